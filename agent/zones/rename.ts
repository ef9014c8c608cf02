// A new name for a container. The zone's alias is the truth about its name: a kill between the platform's change and ours
// leaves a record with the old one, which whoever meets it puts right (`goesByAnotherName`).
import { AgentError } from "../errors/agent-error.ts";
import type { HostPaths } from "../host/paths.ts";
import { isContainerName, type ContainerName } from "../util/ids.ts";
import { acquireLock, type Lock } from "../util/lock.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { findZone } from "./find.ts";
import { nameLockPath } from "./locks.ts";
import { isContainerZone, isOurs } from "./observe.ts";
import type { ZoneRecord } from "./record.ts";
import { awaitSurvivor, childRecorder, goesByAnotherName } from "./settle.ts";
import type { ZoneStore } from "./store.ts";

export interface RenameDependencies {
  readonly vmadm: Pick<Vmadm, "lookup" | "update">;
  readonly store: ZoneStore;
  readonly paths: HostPaths;
}

export interface RenameOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: (what: string) => void;
}

/**
 * Gives a container of ours a new name, running or not; its host name stays, as in Docker. A leading slash is taken off.
 * Works under the locks of both names. Repeating it does nothing, also by the old name; after a kill it goes on.
 * Raises USAGE for what is no name, CONTAINER_NAME_TAKEN, CONTAINER_FOREIGN, and what `findZone` raises.
 */
export async function renameContainer(
  reference: string,
  newName: string,
  dependencies: RenameDependencies,
  options: RenameOptions = {},
): Promise<VmObject> {
  const name = newName.replace(/^\//, "");
  if (!isContainerName(name))
    throw new AgentError("USAGE", `${JSON.stringify(newName)} is not a name for a container`, {
      hint: 'use up to 63 letters, digits, "_", "." and "-", the first a letter or digit',
    });
  const { uuid, alias } = await target(reference, name, dependencies, options);
  const before = alias !== undefined && isContainerName(alias) ? [alias] : [];
  const locks = await lockNames([...before, name], dependencies.paths, options);
  try {
    return await renameLocked(uuid, name, dependencies, options);
  } finally {
    for (const lock of locks) lock.release();
  }
}

async function renameLocked(
  uuid: VmObject["uuid"],
  name: ContainerName,
  dependencies: RenameDependencies,
  options: RenameOptions,
): Promise<VmObject> {
  const { vmadm, store } = dependencies;
  const record = await store.get(uuid);
  if (record) await awaitSurvivor(record, options.signal);
  // Between the first look and the locks, anything may have happened.
  const zones = await lookUp(dependencies, options);
  const vm = findZone(uuid, zones);
  if (!record && !isOurs(vm))
    throw new AgentError("CONTAINER_FOREIGN", `zone ${uuid} was not made by zonelet`, {
      hint: `to rename it all the same: vmadm update ${uuid} alias=${name}`,
    });
  await refuseTaken(vm, name, zones, store);
  if (vm.alias !== name)
    await vmadm.update(
      uuid,
      { alias: name },
      { signal: options.signal, ...(record ? { onSpawn: childRecorder(record, store) } : {}) },
    );
  if (record && record.name !== name) await store.save({ ...record, name, renamedFrom: record.name, child: undefined });
  return { ...vm, alias: name };
}

/** The zone meant; one that has its new name already is also known by the old one. */
async function target(
  reference: string,
  name: ContainerName,
  dependencies: RenameDependencies,
  options: RenameOptions,
): Promise<VmObject> {
  const zones = await lookUp(dependencies, options);
  const renamed = zones.find((vm) => vm.alias === name);
  const record = renamed === undefined ? undefined : await dependencies.store.get(renamed.uuid);
  const old = reference.replace(/^\//, "");
  const isRepeat = record !== undefined && (record.name === old || record.renamedFrom === old);
  return renamed !== undefined && isRepeat && !zones.some((vm) => vm.alias === old)
    ? renamed
    : findZone(reference, zones);
}

async function refuseTaken(
  vm: VmObject,
  name: ContainerName,
  zones: readonly VmObject[],
  store: ZoneStore,
): Promise<void> {
  const other = zones.find((zone) => zone.uuid !== vm.uuid && zone.alias === name);
  const promised = (await store.byName(name)).find((record) => blocksName(record, vm, zones));
  const taken = other?.uuid ?? promised?.uuid;
  if (taken === undefined) return;
  throw new AgentError("CONTAINER_NAME_TAKEN", `the name "${name}" is in use by zone ${taken}`, {
    hint: "choose another name, or rename that one first",
    details: { uuid: taken },
  });
}

/** A container that is being made under the name: its zone may not be there yet. */
function blocksName(record: ZoneRecord, vm: VmObject, zones: readonly VmObject[]): boolean {
  if (record.uuid === vm.uuid) return false;
  const zone = zones.find(({ uuid }) => uuid === record.uuid);
  return zone === undefined ? record.phase === "creating" : !goesByAnotherName(record, zone);
}

async function lookUp({ vmadm }: RenameDependencies, { signal }: RenameOptions): Promise<readonly VmObject[]> {
  return (await vmadm.lookup({}, { signal })).filter(isContainerZone);
}

/** Always in the same order, so that two renames which cross each other wait instead of blocking each other. */
async function lockNames(
  names: readonly ContainerName[],
  paths: HostPaths,
  { signal, onWait }: RenameOptions,
): Promise<Lock[]> {
  const locks: Lock[] = [];
  try {
    for (const name of [...new Set(names)].toSorted()) {
      const lock = await acquireLock(nameLockPath(paths, name), {
        ...(signal ? { signal } : {}),
        onWait: () => onWait?.(`another zonelet command works on "${name}"`),
      });
      if (lock) locks.push(lock);
    }
    return locks;
  } catch (error) {
    for (const lock of locks) lock.release();
    throw error;
  }
}
