// `run` and `create`: from a request to a zone, once, whatever is killed in between.
//
//   lock the name → look at the zones → settle what an earlier command left → image → prepare → check mounts →
//   vmadm validate → record "creating" (on disk) → vmadm create → accounts → record "created" → vmadm start → record "started"
//
// A failure after "creating" undoes the zone and the record, and says so. A kill leaves the record, and the next command
// for the same name takes it from there (settle.ts).
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown, inlineChain } from "../errors/chain.ts";
import type { HostPaths } from "../host/paths.ts";
import type { Images, RunnableImage } from "../imgadm/images.ts";
import type { Logger } from "../log/logger.ts";
import { acquireLock } from "../util/lock.ts";
import { isContainerName, newZoneUuid, type ContainerName, type ImageUuid, type ZoneUuid } from "../util/ids.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { Provided } from "../volumes/provide.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { PreparedZone, SpecWarning } from "../zoneinit/prepared.ts";
import { writeAccounts } from "./accounts.ts";
import { checkMounts } from "./check-mounts.ts";
import { furnishZone } from "./furnish.ts";
import { isWatched, nameLockPath } from "./locks.ts";
import { blamedLines, refusedPayload } from "./refused-payload.ts";
import type { ZoneRecord } from "./record.ts";
import { awaitSurvivor, childRecorder, deleteZone, goesByAnotherName, judge } from "./settle.ts";
import type { ZoneStore } from "./store.ts";

export type LaunchStep = "image" | "prepare" | "mounts" | "validate" | "create" | "accounts" | "start";

export interface LaunchRequest {
  readonly name: ContainerName;
  /** Finds or fetches the image. */
  readonly image: () => Promise<RunnableImage>;
  /** Turns the request into a payload for the given uuid. */
  readonly prepare: (
    image: RunnableImage,
    uuid: ZoneUuid,
    zones: readonly VmObject[],
  ) => PreparedZone | Promise<PreparedZone>;
  /** All zones as they are; called once the name is locked, and again only where something had to be waited for. */
  readonly snapshot: () => Promise<readonly VmObject[]>;
  readonly want: "running" | "stopped";
  readonly attached: boolean;
  /** Leave what a failed create made, to be looked at. */
  readonly keepFailed: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (step: LaunchStep) => void;
  readonly onWait?: (what: string) => void;
}

export interface Launched {
  readonly uuid: ZoneUuid;
  readonly prepared: PreparedZone;
  readonly warnings: readonly SpecWarning[];
  /** True where an earlier, killed command's zone was taken over. */
  readonly resumed: boolean;
}

export interface LaunchDependencies {
  readonly vmadm: Vmadm;
  readonly images: Images;
  readonly store: ZoneStore;
  readonly volumes: Volumes;
  readonly paths: HostPaths;
  readonly log: Logger;
}

export async function launch(request: LaunchRequest, dependencies: LaunchDependencies): Promise<Launched> {
  const { paths } = dependencies;
  const lock = await acquireLock(nameLockPath(paths, request.name), {
    ...(request.signal ? { signal: request.signal } : {}),
    onWait: () => request.onWait?.(`another zonelet command works on "${request.name}"`),
  });
  if (!lock) throw new AgentError("LOCKED", `"${request.name}" is being worked on`);
  try {
    return await launchLocked(request, dependencies);
  } finally {
    lock.release();
  }
}

async function launchLocked(request: LaunchRequest, dependencies: LaunchDependencies): Promise<Launched> {
  const { store } = dependencies;
  const records = await store.byName(request.name);
  const zones = await request.snapshot();
  refuseForeign(request.name, zones, records);

  request.onStep?.("image");
  const image = await request.image();
  request.onStep?.("prepare");
  const prepared = await request.prepare(image, newZoneUuid(), zones);
  // A raw manifest may bring a uuid of its own.
  const { uuid } = prepared.manifest;
  const digest = requestDigest(prepared);

  const resumed = await settleRecords(records, zones, digest, request, dependencies);
  if (resumed) {
    const adopted = await request.prepare(image, resumed.uuid, zones);
    return { uuid: resumed.uuid, prepared: adopted, warnings: adopted.warnings, resumed: true };
  }

  request.onStep?.("mounts");
  checkMounts(prepared, dependencies.paths);
  request.onStep?.("validate");
  const failure = await dependencies.vmadm.validateCreate(prepared.manifest, callOptions(request));
  if (failure) {
    const hint = 'see the manifest with "--dry-run"; nothing was created';
    throw refusedPayload(`create ${request.name}`, failure, prepared.origins, hint);
  }

  const volumes = await dependencies.volumes.provide({
    uses: prepared.volumes,
    imageRoot: dependencies.paths.imageRoot(image.imageUuid),
    zones: () => dependencies.vmadm.lookup({}, callOptions(request)),
    signal: request.signal,
    onWait: request.onWait,
  });
  try {
    const record: ZoneRecord = {
      version: 1,
      uuid,
      name: request.name,
      phase: "creating",
      request: digest,
      want: request.want,
      attached: request.attached,
      autoRemove: prepared.autoRemove,
      image: image.imageUuid,
      ...(prepared.group === undefined ? {} : { group: prepared.group.name }),
      createdAt: new Date().toISOString(),
    };
    await make(record, prepared, image.imageUuid, volumes, request, dependencies);
  } finally {
    volumes.release();
  }
  return { uuid, prepared, warnings: prepared.warnings, resumed: false };
}

/** The steps that change the platform. A failure undoes them; a kill leaves the record. */
async function make(
  record: ZoneRecord,
  prepared: PreparedZone,
  image: ImageUuid,
  volumes: Provided,
  request: LaunchRequest,
  dependencies: LaunchDependencies,
): Promise<void> {
  const { store, images, vmadm, paths } = dependencies;
  const { uuid } = record;
  await store.save(record);
  let step: LaunchStep = "create";
  try {
    request.onStep?.("create");
    await images.pinned(image, () =>
      vmadm.create(prepared.manifest, { ...callOptions(request), onSpawn: childRecorder(record, store) }),
    );
    // Before the record says "created": a zone whose files lack their lines is deleted by whoever comes after a kill.
    if (prepared.accounts !== undefined) {
      step = "accounts";
      request.onStep?.("accounts");
      writeAccounts(paths.zoneRoot(uuid), prepared.accounts);
    }
    await furnishZone(uuid, prepared, paths);
    const created: ZoneRecord = { ...record, phase: "created" };
    if (request.want === "stopped") {
      await store.save(created);
    } else {
      await store.save(created, { sync: false });
      step = "start";
      request.onStep?.("start");
      await vmadm.start(uuid, { ...callOptions(request), onSpawn: childRecorder(created, store) });
      await store.save({ ...created, phase: "started" });
    }
  } catch (error) {
    throw await undo(error, step, record, prepared.origins, volumes, request, dependencies);
  }
}

/** A zone of that name which no record of ours speaks of: an operator's, a head node's, or one whose record was lost. */
function refuseForeign(name: ContainerName, zones: readonly VmObject[], records: readonly ZoneRecord[]): void {
  const other = zones.find((vm) => vm.alias === name && !records.some((record) => record.uuid === vm.uuid));
  if (other) throw nameTaken(name, other);
}

/** `left`: a foreground command started it and was killed. */
function nameTaken(name: ContainerName, vm: VmObject, left = false): AgentError {
  const remove = `"zonelet rm ${vm.state === "running" ? "-f " : ""}${name}"`;
  const taken = `the name "${name}" is in use by zone ${vm.uuid} (${vm.state})`;
  return new AgentError("CONTAINER_NAME_TAKEN", left ? `${taken}, left by a "zonelet run" that was killed` : taken, {
    hint: left
      ? `give that command again to go on with it, see "zonelet logs ${name}", or remove it (${remove})`
      : `remove it (${remove}) or choose another name`,
    details: { uuid: vm.uuid, state: vm.state },
  });
}

/** Deals with each record of the name; returns the one to go on with, if the same request was killed half-way. */
async function settleRecords(
  records: readonly ZoneRecord[],
  zones: readonly VmObject[],
  digest: string,
  request: LaunchRequest,
  dependencies: LaunchDependencies,
): Promise<ZoneRecord | undefined> {
  const { vmadm, store, paths, log } = dependencies;
  for (const record of records) {
    const waited = await awaitSurvivor(record, request.signal);
    const vm = waited ? await vmadm.get(record.uuid, callOptions(request)) : zones.find((z) => z.uuid === record.uuid);
    if (goesByAnotherName(record, vm)) {
      if (vm?.alias !== undefined && isContainerName(vm.alias)) await store.save({ ...record, name: vm.alias });
      continue;
    }
    const unwatched = !(await isWatched(paths, record.uuid));
    const verdict = judge({ record, vm, request: digest, unwatched, nowMs: Date.now() });
    log.info(
      { zone: record.uuid, phase: record.phase, state: vm?.state, verdict },
      "settling an earlier command's container",
    );
    switch (verdict.do) {
      case "forget":
        await store.remove(record.uuid);
        break;
      case "keep-watch":
        break;
      case "delete":
        await deleteZone(record, dependencies);
        break;
      case "refuse":
        if (vm) throw nameTaken(request.name, vm, record.attached && unwatched);
        break;
      case "resume":
        if (verdict.from === "start") {
          request.onStep?.("start");
          await vmadm.start(record.uuid, { ...callOptions(request), onSpawn: childRecorder(record, store) });
          await store.save({ ...record, phase: "started", child: undefined });
        }
        return record;
    }
  }
  return undefined;
}

async function undo(
  error: unknown,
  step: LaunchStep,
  record: ZoneRecord,
  origins: PreparedZone["origins"],
  volumes: Provided,
  request: LaunchRequest,
  dependencies: LaunchDependencies,
): Promise<AgentError> {
  const cause = fromUnknown(error);
  const lines = blamedLines(cause, origins);
  const failed = `create ${request.name}: failed at step "${step}"`;
  // The lines come last; the cause, being told already, is not told again.
  const told = lines.length === 0 ? failed : [`${failed}: ${inlineChain(cause)}`, ...lines].join("\n");
  const options = { cause, details: { step, uuid: record.uuid, ...cause.details } };
  if (request.keepFailed) {
    // The record goes on as created, so that `rm NAME` finds what is left. Without its accounts it must never be started:
    // its program would run as root.
    const phase = step === "accounts" ? "creating" : "created";
    await dependencies.store.save({ ...record, phase, want: "stopped" });
    return new AgentError(cause.code, told, {
      ...options,
      hint: `kept for inspection: zone ${record.uuid} (--keep-failed)`,
    });
  }
  try {
    // A create we gave up may still run: until it has ended the record goes on naming it.
    const child = (await dependencies.store.get(record.uuid))?.child;
    await deleteZone({ ...record, child }, dependencies);
    await volumes.undo();
  } catch (undoError) {
    dependencies.log.error({ err: undoError, zone: record.uuid }, "undo failed");
    return new AgentError(cause.code, told, {
      ...options,
      hint: `undoing it failed, too (${fromUnknown(undoError).message}): run "zonelet rm -f ${request.name}"`,
    });
  }
  const advice = cause.hint === undefined ? "" : `${cause.hint}; `;
  return new AgentError(cause.code, told, { ...options, hint: `${advice}undone: zone, dataset, record` });
}

export function requestDigest(prepared: PreparedZone): string {
  const digest = prepared.manifest.internal_metadata?.["zonelet:digest"];
  return typeof digest === "string" ? digest : "";
}

function callOptions(request: LaunchRequest): { readonly signal?: AbortSignal } {
  return request.signal ? { signal: request.signal } : {};
}
