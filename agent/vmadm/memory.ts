// A twin of vmadm in memory, for unit tests of the layers above. It does what test/contract checks of the command line,
// and nothing more: states of vmadm.md 10, exit records of 11, refusals of 4.
import { randomUUID } from "node:crypto";
import { AgentError } from "../errors/agent-error.ts";
import type { ErrorCode } from "../errors/codes.ts";
import { fromUnknown } from "../errors/chain.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { createKeyedQueue } from "../util/keyed-queue.ts";
import type { CallOptions, Vmadm } from "./client.ts";
import { applyUpdate, buildZone, zonesConflict } from "./memory-zone.ts";
import { createEventHub } from "./memory-events.ts";
import type { VmObject } from "./schema.ts";

export interface MemoryVmadmOptions {
  /** Image uuids a zone can be made of. */
  readonly images: Iterable<string>;
  readonly nicTags?: Iterable<string>;
  /** Called when a zone boots; an exit status (minus an illumos signal number) ends it at once, undefined lets it run. */
  readonly onBoot?: (zone: VmObject) => number | undefined;
  /** Exit status of a container that is asked to end; default minus the signal's number. */
  readonly onSignal?: (zone: VmObject, signalName: string) => number | undefined;
  readonly now?: () => Date;
}

export interface MemoryCall {
  readonly operation: string;
  readonly zone: ZoneUuid | undefined;
}

export interface MemoryVmadm extends Vmadm {
  /** Every call so far, in order. */
  readonly calls: readonly MemoryCall[];
  /** The container's own end, as if its program had exited. */
  exit(zone: ZoneUuid, status: number): void;
  /** Puts a zone there as somebody else might have left it. */
  put(zone: VmObject): void;
  /** Makes the next call of `operation` fail; with `applied` the change happens all the same, as after a lost answer. */
  failNext(operation: string, error: AgentError, how?: { readonly applied: boolean }): void;
}

const FATAL_SIGNALS: Readonly<Record<string, number>> = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, TERM: 15 };
const OTHER_SIGNALS = ["USR1", "USR2", "WINCH", "STOP", "CONT", "CHLD", "ALRM", "PIPE"];

export function createMemoryVmadm(options: MemoryVmadmOptions): MemoryVmadm {
  const images = new Set(options.images);
  const nicTags = new Set(options.nicTags ?? []);
  const now = options.now ?? ((): Date => new Date());
  const zones = new Map<ZoneUuid, VmObject>();
  const hub = createEventHub(zones, now);
  const turns = createKeyedQueue<ZoneUuid>();
  const calls: MemoryCall[] = [];
  const failures = new Map<string, { error: AgentError; applied: boolean }>();
  let nextPid = 40_000;
  let nextZoneId = 1;

  const fail = (code: ErrorCode, subject: string, why: string, details: Record<string, unknown> = {}): never => {
    throw new AgentError(code, `${subject}: ${why}`, { details });
  };

  function set(vm: VmObject): void {
    const before = zones.get(vm.uuid);
    const after = { ...vm, last_modified: now().toISOString() };
    zones.set(vm.uuid, after);
    hub.changed(before, after);
  }

  function need(zone: ZoneUuid, subject: string): VmObject {
    return zones.get(zone) ?? fail("ZONE_NOT_FOUND", subject, "no such zone");
  }

  /** One call: recorded, failing when told to, in the zone's turn. */
  async function call<T>(
    operation: string,
    zone: ZoneUuid | undefined,
    { signal }: CallOptions,
    work: () => T,
    { turn = true } = {},
  ): Promise<T> {
    calls.push({ operation, zone });
    const act = (): Promise<T> => {
      const failure = failures.get(operation);
      failures.delete(operation);
      if (failure && !failure.applied) throw failure.error;
      const result = work();
      if (failure) throw failure.error;
      return Promise.resolve(result);
    };
    try {
      signal?.throwIfAborted();
      await Promise.resolve();
      return zone !== undefined && turn ? await turns.run(zone, act, { signal }) : await act();
    } catch (error) {
      throw fromUnknown(error);
    }
  }

  function boot(vm: VmObject): void {
    const policy = vm.internal_metadata["docker:restartpolicy"];
    const booted: VmObject = {
      ...vm,
      exit_status: undefined,
      exit_timestamp: undefined,
      state: "running",
      zone_state: "running",
      zoneid: nextZoneId++,
      pid: nextPid++,
      boot_timestamp: `${now().toISOString().slice(0, 19)}.000Z`,
      autoboot: vm.docker === true && (policy === undefined || policy === "") ? (vm.autoboot ?? false) : true,
      ...(vm.docker === true ? { internal_metadata: { ...vm.internal_metadata, "docker:restartcount": 0 } } : {}),
    };
    set(booted);
    const status = options.onBoot?.(booted);
    if (status !== undefined) halt(booted, status);
  }

  function halt(vm: VmObject, status: number): void {
    set({
      ...vm,
      pid: undefined,
      boot_timestamp: undefined,
      state: "stopped",
      zone_state: "installed",
      zoneid: null,
      exit_status: status,
      exit_timestamp: now().toISOString(),
    });
  }

  const isUp = (vm: VmObject): boolean => vm.zone_state === "running";

  function stop(vm: VmObject, force: boolean): void {
    const off = { ...vm, autoboot: false };
    if (!isUp(vm)) set(off);
    else halt(off, force ? 0 : (options.onSignal?.(vm, "TERM") ?? -15));
  }

  const snapshotsOf = (vm: VmObject): { name: string }[] =>
    Array.isArray(vm["snapshots"]) ? vm["snapshots"].filter(isNamed) : [];

  return {
    calls,
    put: (zone) => set(zone),
    exit(zone, status) {
      const vm = need(zone, `exit of zone ${zone}`);
      if (isUp(vm)) halt(vm, status);
    },
    failNext: (operation, error, how = { applied: false }) =>
      void failures.set(operation, { error, applied: how.applied }),

    get: (zone, o = {}) => call("get", zone, o, () => zones.get(zone), { turn: false }),
    lookup: (filters = {}, o = {}) =>
      call("lookup", undefined, o, () =>
        [...zones.values()].filter((vm) => Object.entries(filters).every(([key, value]) => valueAt(vm, key) === value)),
      ),
    validateCreate: (manifest, o = {}) =>
      call("validate", undefined, o, () =>
        images.has(manifest.image_uuid)
          ? undefined
          : { badValues: ["image_uuid"], badProperties: [], missingProperties: [] },
      ),
    validateUpdate: (brand, _payload, o = {}) =>
      call("validate", undefined, o, () =>
        brand === "lx" ? undefined : { badBrand: brand, badValues: [], badProperties: [], missingProperties: [] },
      ),

    create: (manifest, o = {}) =>
      call("create", manifest.uuid, o, () => {
        const subject = `create zone ${manifest.uuid}`;
        if (zones.has(manifest.uuid)) fail("ZONE_EXISTS", subject, "the uuid is taken");
        if (!images.has(manifest.image_uuid))
          fail("PAYLOAD_INVALID", subject, "image_uuid", { badValues: ["image_uuid"] });
        const absent = (manifest.nics ?? []).map((nic) => nic.nic_tag).filter((tag) => !nicTags.has(tag));
        if (absent.length > 0) fail("NIC_TAG_MISSING", subject, `no nic tag ${absent.join(", ")}`, { nicTags: absent });
        const vm = buildZone(manifest, now());
        if ([...zones.values()].some((other) => zonesConflict(vm, other)))
          fail("ADDRESS_CONFLICT", subject, "another zone has the same address");
        set(vm);
      }),

    start: (zone, o = {}) =>
      call("start", zone, o, () => {
        const subject = `start zone ${zone}`;
        const vm = need(zone, subject);
        if (vm.state === "running") return;
        if (vm.state !== "stopped") fail("ZONE_STATE", subject, `it is ${vm.state}`, { state: vm.state });
        boot(vm);
      }),

    stop: (zone, { force = false, ...o } = {}) =>
      call("stop", zone, o, () => {
        stop(need(zone, `stop zone ${zone}`), force);
      }),

    reboot: (zone, { force = false, ...o } = {}) =>
      call("reboot", zone, o, () => {
        const subject = `reboot zone ${zone}`;
        const vm = need(zone, subject);
        if (force && !isUp(vm)) fail("ZONE_NOT_RUNNING", subject, `it is ${vm.state}`, { state: vm.state });
        if (isUp(vm)) stop(vm, force);
        boot(need(zone, subject));
      }),

    kill: (zone, signalName, o = {}) =>
      call(
        "kill",
        zone,
        o,
        () => {
          const subject = `kill zone ${zone}`;
          const name = signalName.toUpperCase().replace(/^SIG/, "");
          const number = FATAL_SIGNALS[name];
          if (number === undefined && !OTHER_SIGNALS.includes(name)) fail("SIGNAL_UNKNOWN", subject, signalName);
          const vm = need(zone, subject);
          if (!isUp(vm)) fail("ZONE_NOT_RUNNING", subject, "it is not running");
          const status = options.onSignal?.(vm, name) ?? (number === undefined ? undefined : -number);
          if (status !== undefined) halt(vm, status);
        },
        { turn: false },
      ),

    update: (zone, payload, o = {}) =>
      call("update", zone, o, () => {
        set(applyUpdate(need(zone, `update zone ${zone}`), payload));
      }),

    delete: (zone, o = {}) =>
      call("delete", zone, o, () => {
        const vm = zones.get(zone);
        if (!vm) return;
        for (const flag of ["indestructible_zoneroot", "indestructible_delegated"])
          if (vm[flag] === true) fail("ZONE_INDESTRUCTIBLE", `delete zone ${zone}`, flag, { flag });
        zones.delete(zone);
        hub.deleted(zone);
      }),

    createSnapshot: (zone, name, o = {}) =>
      call("create-snapshot", zone, o, () => {
        const vm = need(zone, `snapshot zone ${zone}`);
        if (snapshotsOf(vm).some((one) => one.name === name)) fail("SNAPSHOT_EXISTS", `snapshot zone ${zone}`, name);
        set({ ...vm, snapshots: [{ name, created_at: now().toISOString() }, ...snapshotsOf(vm)] });
      }),

    deleteSnapshot: (zone, name, o = {}) =>
      call("delete-snapshot", zone, o, () => {
        const vm = need(zone, `delete snapshot ${name} of zone ${zone}`);
        if (!snapshotsOf(vm).some((one) => one.name === name)) fail("SNAPSHOT_NOT_FOUND", `zone ${zone}`, name);
        set({ ...vm, snapshots: snapshotsOf(vm).filter((one) => one.name !== name) });
      }),

    rollbackSnapshot: (zone, name, o = {}) =>
      call("rollback-snapshot", zone, o, () => {
        const subject = `roll zone ${zone} back to snapshot ${name}`;
        const vm = need(zone, subject);
        const position = snapshotsOf(vm).findIndex((one) => one.name === name);
        if (position < 0) fail("SNAPSHOT_NOT_FOUND", subject, name);
        stop(vm, true);
        const stopped = need(zone, subject);
        boot({ ...stopped, snapshots: snapshotsOf(vm).slice(position) });
      }),

    reprovision: (zone, imageUuid, o = {}) =>
      call("reprovision", zone, o, () => {
        const subject = `reprovision zone ${zone}`;
        const vm = need(zone, subject);
        if (!images.has(imageUuid)) fail("IMAGE_NOT_INSTALLED", subject, "no such image", { image: imageUuid });
        if (isUp(vm)) stop(vm, true);
        boot({ ...need(zone, subject), image_uuid: imageUuid });
      }),

    info: (zone, o = {}) =>
      call("info", zone, o, () => {
        const subject = `get info of zone ${zone}`;
        return isUp(need(zone, subject))
          ? fail("ZONE_UNSUPPORTED", subject, "brand lx tells nothing")
          : fail("ZONE_NOT_RUNNING", subject, "it is not running");
      }),

    events: (o = {}) => hub.follow({ ...o, stream: randomUUID() }),
  };
}

function isNamed(value: unknown): value is { name: string } {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}

/** Value of a filter key as vmadm compares it: text; `tags.x` looks into the map. */
function valueAt(vm: VmObject, key: string): string | undefined {
  const [first = "", ...rest] = key.split(".");
  const maps = { tags: vm.tags, internal_metadata: vm.internal_metadata, customer_metadata: vm.customer_metadata };
  const value =
    rest.length === 0 ? vm[first] : Object.entries(maps).find(([name]) => name === first)?.[1][rest.join(".")];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}
