// From the platform's differences to containerd's events, one zone at a time (events-and-filters.md 10.1).
//
// The tracker remembers as little as it can of each zone, and what it remembers travels with every event (`mark`): the
// history alone is enough to go on after any kind of death. A comparison with what is remembered yields the same events
// whether the change was told by `vmadm events` or found afterwards.
import { createHash } from "node:crypto";
import { DEFAULT_NAMESPACE, FOREIGN_NAMESPACE } from "../util/identifiers.ts";
import { LABEL_TAG_PREFIX, MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import { containerName, dockerId } from "../zones/find.ts";
import { exitOf, isContainerZone, isOurs, namespaceOf, snapshotNames } from "../zones/observe.ts";
import type { VmEvent, VmObject } from "../vmadm/schema.ts";
import {
  draftEvent,
  payloadTime,
  type Actor,
  type Envelope,
  type EventDraft,
  type Topic,
  type ZoneMark,
} from "./envelope.ts";

/** The status containerd gives where nobody saw the end. */
const UNKNOWN_STATUS = 255;

const UNFINISHED = new Set(["configured", "provisioning", "incomplete", "installed", "receiving"]);

/** What is remembered of a zone between two looks. */
export interface TrackedZone {
  readonly mark: ZoneMark;
  readonly namespace: string;
  readonly actor: Actor;
}

export type TrackedZones = ReadonlyMap<string, TrackedZone>;

/** What one event of the history says about its zone; undefined: it is gone. */
export function applyEvent(zones: Map<string, TrackedZone>, envelope: Envelope | EventDraft): void {
  const { zone, mark, actor, namespace, topic } = envelope;
  if (zone === undefined) return;
  if (topic === "/containers/delete") zones.delete(zone);
  else if (mark !== undefined && actor !== undefined) zones.set(zone, { mark, actor, namespace });
}

export interface PlanOptions {
  readonly now: Date;
  /** The zones were compared after a time in which nobody watched. */
  readonly synthesized: boolean;
}

/** The events that lead from what is remembered to what the platform says, in the order of a container's life. */
export function planEvents(zones: TrackedZones, event: VmEvent, now: Date): EventDraft[] {
  switch (event.type) {
    case "ready":
      return planResync(zones, Object.values(event.vms), now);
    case "create":
    case "modify":
      return planZone(zones.get(event.vm.uuid), event.vm, { now, synthesized: false });
    case "delete": {
      const tracked = zones.get(event.uuid);
      return tracked ? goneEvents(event.uuid, tracked, { now, synthesized: false }) : [];
    }
  }
}

/** Every difference to a complete list of zones; the resync marker comes last, so that what precedes it is the gap. */
function planResync(zones: TrackedZones, vms: readonly VmObject[], now: Date): EventDraft[] {
  const options = { now, synthesized: true };
  const present = new Set<string>(vms.map((vm) => vm.uuid));
  const gone = [...zones].filter(([uuid]) => !present.has(uuid));
  return [
    ...gone.flatMap(([uuid, tracked]) => goneEvents(uuid, tracked, options)),
    ...vms.flatMap((vm) => planZone(zones.get(vm.uuid), vm, options)),
    draftEvent("/agent/resync", { zones: vms.length }, { at: now, namespace: DEFAULT_NAMESPACE }),
  ];
}

export function planZone(tracked: TrackedZone | undefined, vm: VmObject, options: PlanOptions): EventDraft[] {
  if (!isContainerZone(vm)) return [];
  // While a zone is being made its metadata comes piece by piece; it is told when it is whole.
  if (!tracked && UNFINISHED.has(vm.state)) return [];
  const seen = observe(vm, tracked);
  const draft = new Drafts(vm.uuid, seen.namespace, seen.actor, options);
  const before = tracked?.mark ?? {};
  // What is remembered moves on event by event, so that a death between two of them repeats and forgets nothing.
  let mark: ZoneMark = tracked ? before : { shape: seen.shape, name: seen.actor.name, snapshots: [] };

  if (!tracked) {
    draft.add("/snapshot/prepare", { key: vm.uuid, parent: vm.image_uuid, snapshotter: "zfs" });
    // The end of a run that nobody is told of now must not be told later: it was over before we knew the zone.
    if (vm.state === "stopped" && vm.exit_timestamp !== undefined) mark = { ...mark, exit: vm.exit_timestamp };
    draft.add(
      "/containers/create",
      { id: vm.uuid, image: seen.actor.image, runtime: { name: `zones.${vm.brand}.v1` } },
      mark,
    );
  } else if (before.shape !== seen.shape) {
    mark = { ...mark, shape: seen.shape, name: seen.actor.name };
    const renamed = before.name !== undefined && before.name !== seen.actor.name ? { old_name: before.name } : {};
    draft.add(
      "/containers/update",
      { id: vm.uuid, image: seen.actor.image, labels: seen.actor.labels, snapshot_key: vm.uuid, ...renamed },
      mark,
    );
  }

  mark = planTask(vm, mark, draft);
  mark = planSnapshots(vm, mark, draft);

  if (vm.state === "failed" && mark.failed !== true) {
    draft.add("/zones/failed", { container_id: vm.uuid }, { ...mark, failed: true });
  }
  return draft.list;
}

/** A zone's boot is a task. What runs, and what ran and ended between two looks. */
function planTask(vm: VmObject, before: ZoneMark, draft: Drafts): ZoneMark {
  let mark = before;
  const boot = vm.boot_timestamp;
  const ended = vm.exit_timestamp !== undefined && vm.exit_status !== undefined;
  const running = vm.state === "running" && boot !== undefined;
  const status = exitOf(vm)?.code ?? UNKNOWN_STATUS;

  if (mark.boot !== undefined && mark.boot !== boot) {
    const known = ended && vm.exit_timestamp !== mark.exit;
    // A stop is complete only when the exit is known; until then the zone is on its way (events-and-filters.md 10).
    if (!known && !running && vm.state !== "failed") return mark;
    mark = draft.exit(mark, known ? status : UNKNOWN_STATUS, known ? vm.exit_timestamp : undefined);
  }
  if (running && mark.boot === undefined) {
    mark = draft.start(vm, { ...mark, boot, ...(vm.pid === undefined ? {} : { pid: vm.pid }) });
  } else if (
    !running &&
    mark.boot === undefined &&
    ended &&
    vm.state === "stopped" &&
    vm.exit_timestamp !== mark.exit
  ) {
    // It ran and ended unseen; the start of a run is not kept by the platform once it is over.
    mark = draft.start(vm, { ...mark, boot: vm.exit_timestamp });
    mark = draft.exit(mark, status, vm.exit_timestamp);
  }
  return mark;
}

function planSnapshots(vm: VmObject, before: ZoneMark, draft: Drafts): ZoneMark {
  const names = snapshotNames(vm);
  const known = before.snapshots ?? [];
  let mark = before;
  for (const name of known.filter((one) => !names.includes(one))) {
    mark = { ...mark, snapshots: (mark.snapshots ?? []).filter((one) => one !== name) };
    draft.add("/snapshot/remove", { key: `${vm.uuid}@${name}`, snapshotter: "zfs" }, mark);
  }
  for (const name of names.filter((one) => !known.includes(one))) {
    mark = { ...mark, snapshots: [...(mark.snapshots ?? []), name] };
    draft.add("/snapshot/commit", { key: vm.uuid, name: `${vm.uuid}@${name}`, snapshotter: "zfs" }, mark);
  }
  return mark;
}

function goneEvents(uuid: string, tracked: TrackedZone, options: PlanOptions): EventDraft[] {
  const draft = new Drafts(uuid, tracked.namespace, tracked.actor, options);
  if (tracked.mark.boot !== undefined) draft.exit(tracked.mark, UNKNOWN_STATUS, undefined);
  draft.add("/snapshot/remove", { key: uuid, snapshotter: "zfs" });
  draft.add("/containers/delete", { id: uuid });
  return draft.list;
}

/** Collects the events of one zone. */
class Drafts {
  readonly list: EventDraft[] = [];
  private readonly zone: string;
  private readonly namespace: string;
  private readonly actor: Actor;
  private readonly options: PlanOptions;

  constructor(zone: string, namespace: string, actor: Actor, options: PlanOptions) {
    this.zone = zone;
    this.namespace = namespace;
    this.actor = actor;
    this.options = options;
  }

  add(topic: Topic, event: Readonly<Record<string, unknown>>, mark?: ZoneMark): void {
    const { zone, namespace, actor } = this;
    const { now: at, synthesized } = this.options;
    this.list.push(draftEvent(topic, event, { at, namespace, zone, actor, synthesized, ...(mark ? { mark } : {}) }));
  }

  start(vm: VmObject, mark: ZoneMark): ZoneMark {
    const io = {
      stdout: `${vm.zonepath}/logs/stdio.log`,
      ...(vm.internal_metadata["docker:tty"] === true ? { terminal: true } : {}),
    };
    const pid = mark.pid;
    this.add("/tasks/create", { container_id: this.zone, bundle: vm.zonepath, io, pid });
    this.add("/tasks/start", { container_id: this.zone, pid }, mark);
    return mark;
  }

  exit(before: ZoneMark, status: number, at: string | undefined): ZoneMark {
    const { pid } = before;
    const mark = { ...before, boot: undefined, pid: undefined, ...(at === undefined ? {} : { exit: at }) };
    const exited = { exit_status: status, exited_at: payloadTime(at ?? this.options.now.toISOString()) };
    this.add("/tasks/exit", { container_id: this.zone, id: this.zone, pid, ...exited });
    this.add("/tasks/delete", { container_id: this.zone, pid, ...exited }, mark);
    return mark;
  }
}

/** Whose an event about the zone is, for what the agent itself notes. */
export function aboutZone(vm: VmObject): { readonly zone: string; readonly actor: Actor; readonly namespace: string } {
  const { actor, namespace } = observe(vm, undefined);
  return { zone: vm.uuid, actor, namespace };
}

interface Observation {
  readonly actor: Actor;
  readonly namespace: string;
  readonly shape: string;
}

/** While vmadm deletes a zone its metadata goes first: it is still what it was. */
function observe(vm: VmObject, tracked: TrackedZone | undefined): Observation {
  if (tracked && tracked.namespace !== FOREIGN_NAMESPACE && !isOurs(vm))
    return { actor: tracked.actor, namespace: tracked.namespace, shape: tracked.mark.shape ?? "" };
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(vm.tags)) {
    if (key.startsWith(LABEL_TAG_PREFIX)) labels[key.slice(LABEL_TAG_PREFIX.length)] = String(value);
  }
  const image = vm.internal_metadata[MARK_KEYS.image];
  const actor: Actor = {
    id: dockerId(vm),
    name: containerName(vm),
    image: typeof image === "string" ? image : (vm.image_uuid ?? ""),
    labels,
  };
  const limits = [vm.max_physical_memory, vm.max_swap, vm.cpu_cap, vm.quota];
  const text = JSON.stringify([actor.name, actor.image, Object.entries(labels).toSorted(), vm.hostname, limits]);
  return {
    actor,
    namespace: namespaceOf(vm),
    shape: createHash("sha256").update(text).digest("hex").slice(0, 16),
  };
}
