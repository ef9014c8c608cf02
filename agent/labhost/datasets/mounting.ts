// zfs mount and unmount. Only overlays are mounts here; a plain directory is always "mounted".
import type { Lab } from "../lab.ts";
import { mountsWithin } from "../mounts.ts";
import { layersOf, lockedPool, missing, mountpointOf, POOL, readPool, type Records } from "./pool.ts";
import type { DatasetRecord } from "./records.ts";
import { makeOverlayDirectories, mountOverlay, sweepLeftovers, unmountTree } from "./trees.ts";
import { ZfsError } from "./zfs-error.ts";

export async function isMounted(lab: Lab, name: string): Promise<boolean> {
  const record = (await readPool(lab)).get(name);
  if (!record) {
    if (name === POOL) return true;
    throw missing(name);
  }
  return record.backing === "directory" || isMountPoint(lab, record);
}

function isMountPoint(lab: Lab, record: DatasetRecord): boolean {
  const target = lab.path(mountpointOf(record.name));
  return mountsWithin(target).includes(target);
}

export async function mountDataset(lab: Lab, name: string): Promise<void> {
  await lockedPool(lab, async (records) => {
    const record = records.get(name);
    if (!record) throw missing(name);
    await ensureMounted(lab, records, record);
  });
}

export async function ensureMounted(lab: Lab, records: Records, record: DatasetRecord): Promise<void> {
  if (record.backing === "directory" || isMountPoint(lab, record)) return;
  const target = lab.path(mountpointOf(record.name));
  await makeOverlayDirectories(lab, record.guid);
  await mountOverlay(lab, {
    name: record.name,
    lowers: layersOf(records, record.origin ?? ""),
    guid: record.guid,
    target,
  });
}

export async function unmountDataset(lab: Lab, name: string): Promise<void> {
  await lockedPool(lab, async (records) => {
    const record = records.get(name);
    if (!record) throw missing(name);
    if (record.backing === "directory")
      throw new ZfsError(`cannot unmount '${mountpointOf(name)}': the lab host keeps '${name}' as a plain directory`);
    if (!isMountPoint(lab, record)) throw new ZfsError(`cannot unmount '${mountpointOf(name)}': not currently mounted`);
    await ensureUnmounted(lab, record);
  });
}

/** Unmounts the dataset; mounts of others below it make it busy, as does a process that is in it. */
export async function ensureUnmounted(lab: Lab, record: DatasetRecord): Promise<void> {
  const target = lab.path(mountpointOf(record.name));
  const mounts = mountsWithin(target);
  if (mounts.some((mount) => mount !== target))
    throw new ZfsError(`cannot unmount '${mountpointOf(record.name)}': Device busy`);
  if (mounts.length > 0) await unmountTree(target, mountpointOf(record.name));
}

/** Goes on when one does not mount, and rejects at the end with what failed. */
export async function mountAll(lab: Lab): Promise<void> {
  const failures = await lockedPool(lab, async (records) => {
    const failed: string[] = [];
    for (const record of records.values())
      await ensureMounted(lab, records, record).catch((error: unknown) => {
        failed.push(`cannot mount '${record.name}': ${error instanceof Error ? error.message : String(error)}`);
      });
    return failed;
  });
  await sweepLeftovers(lab);
  if (failures.length > 0) throw new ZfsError(failures.join("\n"));
}
