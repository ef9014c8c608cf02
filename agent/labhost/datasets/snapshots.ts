// zfs snapshot and zfs rollback.
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { ensureMounted, ensureUnmounted } from "./mounting.ts";
import {
  clonesOf,
  findSnapshot,
  finishRollback,
  layersOf,
  lockedPool,
  missing,
  mountpointOf,
  readPool,
  splitSnapshot,
  type Records,
} from "./pool.ts";
import { newGuid, writeRecord, type DatasetRecord, type SnapshotRecord } from "./records.ts";
import { copyTree, moveToTrash, putInPlace, removeOverlayWork, removeTrees, stagingPath } from "./trees.ts";
import { ZfsError } from "./zfs-error.ts";

/** The snapshot of an image: its dataset is not written any more, so no copy is needed (imgadm.md 2). */
const FROZEN = "final";

export async function takeSnapshot(
  lab: Lab,
  name: string,
  properties: Readonly<Record<string, string>>,
): Promise<void> {
  const { dataset, snapshot } = splitSnapshot(name);
  if (!/^[A-Za-z0-9_.:-]+$/.test(snapshot))
    throw new ZfsError(`cannot create snapshot '${name}': invalid character '${snapshot}' in name`);
  const record = (await readPool(lab)).get(dataset);
  if (!record) throw missing(dataset);
  checkUnused(record, snapshot, name);
  const guid = newGuid();
  const data = snapshot === FROZEN ? "live" : "copy";
  const staging = await stagingPath(lab);
  if (data === "copy") await copyTree(lab, contentOf(lab, record), staging);
  try {
    await lockedPool(lab, async (records) => {
      const now = records.get(dataset);
      if (!now) throw missing(dataset);
      checkUnused(now, snapshot, name);
      if (data === "copy") await putInPlace(lab, staging, lab.own("snapshots", guid));
      const made: SnapshotRecord = {
        name: snapshot,
        guid,
        creation: Date.now(),
        txg: nextTxg(records),
        properties,
        data,
      };
      await writeRecord(lab, { ...now, snapshots: [...now.snapshots, made] });
    });
  } catch (error) {
    await removeTrees(lab, [staging]);
    throw error;
  }
}

function checkUnused(record: DatasetRecord, snapshot: string, name: string): void {
  if (record.snapshots.some((other) => other.name === snapshot))
    throw new ZfsError(`cannot create snapshot '${name}': dataset already exists`);
}

function nextTxg(records: Records): number {
  return 1 + Math.max(0, ...[...records.values()].flatMap((record) => record.snapshots.map((s) => s.txg)));
}

/** What a snapshot of the dataset has to copy. */
function contentOf(lab: Lab, record: DatasetRecord): string {
  return record.backing === "overlay" ? lab.own("overlay", record.guid, "upper") : lab.path(mountpointOf(record.name));
}

export async function rollback(lab: Lab, name: string, recursive: boolean): Promise<void> {
  const before = await readPool(lab);
  const { snapshot } = findSnapshot(before, name);
  if (snapshot.data === "live") return;
  newerSnapshots(before, name, recursive);
  const staging = await stagingPath(lab);
  await copyTree(lab, join(lab.root, layersOf(before, name)[0] ?? ""), staging);
  try {
    const trash = await lockedPool(lab, async (records) => {
      const { record } = findSnapshot(records, name);
      const newer = newerSnapshots(records, name, recursive);
      await ensureUnmounted(lab, record);
      const kept = { ...record, snapshots: record.snapshots.filter((other) => !newer.includes(other)) };
      await writeRecord(lab, { ...kept, pending: { do: "rollback", staging } });
      const removed = await finishRollback(lab, kept, staging);
      for (const gone of newer) {
        const moved = await moveToTrash(lab, lab.own("snapshots", gone.guid));
        if (moved !== undefined) removed.push(moved);
      }
      if (record.backing === "overlay") await removeOverlayWork(lab, record.guid);
      await ensureMounted(lab, records, kept);
      return removed;
    });
    await removeTrees(lab, trash);
  } catch (error) {
    await removeTrees(lab, [staging]);
    throw error;
  }
}

/** The snapshots taken after `name`. Raises zfs's refusals: any without -r, clones of them always. */
function newerSnapshots(records: Records, name: string, recursive: boolean): SnapshotRecord[] {
  const { record, snapshot } = findSnapshot(records, name);
  const newer = record.snapshots.filter((other) => other.txg > snapshot.txg);
  const names = newer.map((other) => `${record.name}@${other.name}`);
  if (newer.length > 0 && !recursive)
    throw new ZfsError(
      `cannot rollback to '${name}': more recent snapshots or bookmarks exist\n` +
        `use '-r' to force deletion of the following snapshots and bookmarks:\n${names.join("\n")}`,
    );
  const clones = names.flatMap((other) => clonesOf(records, other));
  if (clones.length > 0)
    throw new ZfsError(
      `cannot rollback to '${name}': clones of previous snapshots exist\n` +
        `use '-R' to force deletion of the following clones and dependents:\n${clones.join("\n")}`,
    );
  return newer;
}
