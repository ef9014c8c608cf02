// The verbs on containers that exist. Each takes a reference as people type it, works under the lock of the container's
// name, and may be repeated.
import { AgentError } from "../errors/agent-error.ts";
import { inlineChain } from "../errors/chain.ts";
import { acquireLock } from "../util/lock.ts";
import { isContainerName, type ContainerName, type ZoneUuid } from "../util/ids.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { isContainerZone, isOurs } from "./observe.ts";
import type { ExitStatus } from "../vmadm/exit-status.ts";
import { containerName, findZone } from "./find.ts";
import { createEndGuard, knownExit } from "./known-exit.ts";
import { launch, type LaunchDependencies, type Launched, type LaunchRequest } from "./launch.ts";
import { isWatched, nameLockPath } from "./locks.ts";
import type { ZoneRecord } from "./record.ts";
import { renameContainer } from "./rename.ts";
import type { VerbOptions } from "./verb-options.ts";
import { awaitSurvivor, childRecorder, deleteZone, goesByAnotherName, isSweepable, judge } from "./settle.ts";
import { killZone, stopZone, tellSignal, type StopDependencies, type StopOptions } from "./stop.ts";
import { updateZone } from "./update-zone.ts";
import type { ContainerChanges } from "./update.ts";
import { watchZones } from "./watch.ts";
import { LINUX_SIGNALS, parseSignal } from "../util/linux-signals.ts";
import { suggest } from "../util/suggest.ts";

export interface Containers {
  /** Every container zone of the node, ours or not; one vmadm call. */
  list(options?: VerbOptions): Promise<readonly VmObject[]>;
  /** What we remember, without asking the platform: ours are also zones whose create has not come to its end. */
  records(): Promise<readonly ZoneRecord[]>;
  find(reference: string, options?: VerbOptions): Promise<VmObject>;
  /** Runs `work` while no other command of ours changes the container, with the zone as it is then. */
  held<T>(reference: string, work: (vm: VmObject) => Promise<T>, options?: VerbOptions): Promise<T>;
  launch(request: LaunchRequest): Promise<Launched>;
  start(reference: string, options?: VerbOptions): Promise<VmObject>;
  /** Sends the stop signal, waits `timeoutS` (default: the container's own, else 10 s), then kills. Not running is success. */
  stop(reference: string, options?: StopOptions): Promise<VmObject>;
  restart(reference: string, options?: StopOptions): Promise<VmObject>;
  /** SIGKILL at once, also while another command stops it politely. */
  stopNow(zone: ZoneUuid, options?: VerbOptions): Promise<void>;
  /** How the container's last run ended, as far as it is known. */
  exit(vm: VmObject): Promise<ExitStatus | undefined>;
  /** A signal to the container's first process, by name or Linux number. */
  kill(reference: string, signal: string, options?: VerbOptions): Promise<VmObject>;
  /** Changes caps and the restart policy (`planUpdate`). Repeating it does nothing. Raises CONTAINER_FOREIGN. */
  update(reference: string, changes: ContainerChanges, options?: VerbOptions): Promise<VmObject>;
  /** See `renameContainer`. */
  rename(reference: string, newName: string, options?: VerbOptions): Promise<VmObject>;
  /** Deletes the zone and what we remember of it. A running one only with `force`; a foreign one only by its uuid and with `force`. */
  remove(reference: string, options?: VerbOptions & { readonly force?: boolean }): Promise<string>;
  /** Resolves when the container has ended for good (its restart policy included); at once when it is not running. */
  wait(reference: string, options?: VerbOptions): Promise<ExitStatus>;
  /**
   * What follows when the foreground command has seen its container end: with `--rm` the zone goes, otherwise the same
   * request again is a new one. Asks the platform nothing; repeating it does nothing.
   */
  seenEnding(zone: ZoneUuid, name: ContainerName, options?: VerbOptions): Promise<void>;
  /** Deletes `--rm` containers that have ended while nobody watched them (settle.ts, `isSweepable`). */
  sweep(zones: readonly VmObject[], options?: VerbOptions): Promise<void>;
}

export type ContainersDependencies = LaunchDependencies & StopDependencies;

export function createContainers(dependencies: ContainersDependencies): Containers {
  const { vmadm, store, paths, log } = dependencies;

  async function list(options: VerbOptions = {}): Promise<readonly VmObject[]> {
    const vms = await vmadm.lookup({}, call(options));
    return vms.filter(isContainerZone);
  }

  const find = async (reference: string, options: VerbOptions = {}): Promise<VmObject> =>
    findZone(reference, await list(options));

  /** Finds the zone, locks its name, and looks again: between the two somebody may have removed it. */
  async function withZone<T>(
    reference: string,
    options: VerbOptions,
    work: (vm: VmObject, record: ZoneRecord | undefined) => Promise<T>,
  ): Promise<T> {
    const vm = await find(reference, options);
    const name = containerName(vm);
    if (!isContainerName(name)) return work(vm, undefined);
    return locked(name, options, async () => {
      const record = await store.get(vm.uuid);
      if (record) await awaitSurvivor(record, options.signal);
      return work(vm, record);
    });
  }

  async function locked<T>(name: ContainerName, options: VerbOptions, work: () => Promise<T>): Promise<T> {
    const lock = await acquireLock(nameLockPath(paths, name), {
      ...(options.signal ? { signal: options.signal } : {}),
      onWait: () => options.onWait?.(`another zonelet command works on "${name}"`),
    });
    if (!lock) throw new AgentError("LOCKED", `"${name}" is being worked on`);
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  async function startZone(vm: VmObject, record: ZoneRecord | undefined, options: VerbOptions): Promise<void> {
    // It may lack its files and the account lines without which the platform runs it as root.
    if (record?.phase === "creating")
      throw new AgentError("ZONE_STATE", `start ${record.name}: the command that made it was killed half-way`, {
        hint: `give that command again, or remove what is there ("zonelet rm ${record.name}")`,
      });
    const onSpawn = record ? { onSpawn: childRecorder(record, store) } : {};
    await vmadm.start(vm.uuid, { ...call(options), ...onSpawn });
    if (record)
      await store.save({
        ...record,
        phase: "started",
        want: "running",
        attached: false,
        child: undefined,
        killed: undefined,
      });
  }

  const exit = async (vm: VmObject): Promise<ExitStatus | undefined> => knownExit(vm, await store.get(vm.uuid), paths);

  return {
    list,
    find,
    records: () => store.list(),
    launch: (request) => launch(request, dependencies),
    start: (reference, options = {}) =>
      withZone(reference, options, async (vm, record) => {
        await startZone(vm, record, options);
        return vm;
      }),
    stop: (reference, options = {}) =>
      withZone(reference, options, async (vm) => {
        await stopZone(vm, options, dependencies);
        return vm;
      }),
    restart: (reference, options = {}) =>
      withZone(reference, options, async (vm, record) => {
        // Not `vmadm reboot`: it ignores the timeout (vmadm.md 3.8).
        if (vm.state === "running") await stopZone(vm, options, dependencies);
        await startZone(vm, record, options);
        return vm;
      }),
    kill: async (reference, signal, options = {}) => {
      const name = parseSignal(signal);
      if (name === undefined) {
        const near = suggest(`SIG${signal.toUpperCase().replace(/^SIG/, "")}`, Object.keys(LINUX_SIGNALS));
        throw new AgentError(
          "SIGNAL_UNKNOWN",
          `unknown signal "${signal}"`,
          near === undefined ? {} : { hint: `did you mean ${near}?` },
        );
      }
      const vm = await find(reference, options);
      await tellSignal(vm, name, dependencies);
      await vmadm.kill(vm.uuid, name, call(options));
      return vm;
    },
    stopNow: async (zone, options = {}) => {
      await killZone(await find(zone, options), options, dependencies);
    },
    exit,
    update: (reference, changes, options = {}) =>
      withZone(reference, options, (vm, record) =>
        updateZone(vm.uuid, changes, {
          vmadm,
          signal: options.signal,
          onSpawn: record ? childRecorder(record, store) : undefined,
        }),
      ),
    held: (reference, work, options = {}) => withZone(reference, options, (vm) => work(vm)),
    rename: (reference, newName, options = {}) => renameContainer(reference, newName, dependencies, options),
    remove: async (reference, options = {}) => {
      const zones = await list(options);
      const records = (isContainerName(reference) ? await store.byName(reference) : []).filter(
        (record) =>
          !goesByAnotherName(
            record,
            zones.find((vm) => vm.uuid === record.uuid),
          ),
      );
      if (isContainerName(reference) && records.length > 0 && !zones.some((vm) => vm.alias === reference)) {
        // Only a record: a create that was killed. Its child may still bring the zone forth.
        return locked(reference, options, async () => {
          await removeUnfinished(reference, options);
          return reference;
        });
      }
      const target = findZone(reference, zones);
      await sweep(
        zones.filter((vm) => vm.uuid !== target.uuid),
        options,
      );
      return withZone(target.uuid, options, async (vm, record) => {
        const force = options.force ?? false;
        if (!isOurs(vm) && !record && !(force && reference === vm.uuid))
          throw new AgentError("CONTAINER_FOREIGN", `zone ${vm.uuid} was not made by zonelet`, {
            hint: `to delete it all the same: zonelet rm -f ${vm.uuid}`,
          });
        if (vm.state === "running" && !force)
          throw new AgentError("CONTAINER_RUNNING", `container "${containerName(vm)}" is running`, {
            hint: `stop it first, or "zonelet rm -f ${containerName(vm)}"`,
          });
        await tellSignal(vm, "SIGKILL", dependencies);
        if (record) await deleteZone(record, dependencies);
        else await vmadm.delete(vm.uuid, call(options));
        return containerName(vm);
      });
    },
    wait: async (reference, options = {}) => {
      const found = await find(reference, options);
      const ended = createEndGuard();
      ended(found);
      using watch = await watchZones(vmadm, { zone: found.uuid, signal: options.signal });
      const vm = await watch.until(
        found.uuid,
        (now) => now === undefined || ended(now) || (now.state === "stopped" && found.state === "stopped"),
        options.signal,
      );
      if (!vm)
        throw new AgentError("CONTAINER_NOT_FOUND", `container "${reference}" was removed while it was waited for`);
      return (await exit(vm)) ?? { code: 0, coreDumped: false };
    },
    seenEnding: (zone, name, options = {}) =>
      locked(name, options, async () => {
        const record = await store.get(zone);
        if (!record) return;
        if (record.autoRemove) await deleteZone(record, dependencies);
        else if (record.attached) await store.save({ ...record, attached: false }, { sync: false });
      }),
    sweep,
  };

  async function sweep(zones: readonly VmObject[], options: VerbOptions = {}): Promise<void> {
    for (const known of await store.list()) {
      const { uuid } = known;
      options.signal?.throwIfAborted();
      const unwatched = { unwatched: true, nowMs: Date.now() };
      if (!isSweepable({ record: known, vm: zones.find((z) => z.uuid === uuid), ...unwatched })) continue;
      const lock = await acquireLock(nameLockPath(paths, known.name), { timeoutMs: 0 });
      if (!lock) continue;
      try {
        // Between the look at the zones and the lock somebody may have started or removed it.
        const record = await store.get(uuid);
        if (!record || (record.attached && (await isWatched(paths, uuid)))) continue;
        const vm = await vmadm.get(uuid, call(options));
        if (isSweepable({ record, vm, ...unwatched })) await deleteZone(record, dependencies);
      } catch (error) {
        // Nobody asked for this one now: the next command tries again.
        log.warn({ zone: uuid, reason: inlineChain(error) }, "ended container could not be deleted");
      } finally {
        lock.release();
      }
    }
  }

  async function removeUnfinished(name: ContainerName, options: VerbOptions): Promise<void> {
    for (const record of await store.byName(name)) {
      await awaitSurvivor(record, options.signal);
      const vm = await vmadm.get(record.uuid, call(options));
      if (goesByAnotherName(record, vm)) continue;
      const verdict = judge({ record, vm, request: undefined, unwatched: true, nowMs: Date.now() });
      if (vm) await deleteZone(record, dependencies);
      else if (verdict.do === "forget") await store.remove(record.uuid);
    }
  }
}

function call(options: VerbOptions): { readonly signal?: AbortSignal } {
  return options.signal ? { signal: options.signal } : {};
}
