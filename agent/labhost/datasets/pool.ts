// Views of the pool shared by all operations: names, mountpoints, layers of a snapshot, the lock, and the recovery of
// what a killed command left half done.
import { lstat } from "node:fs/promises";
import { withLock } from "../../util/lock.ts";
import type { Lab } from "../lab.ts";
import {
  absentAs,
  readRecords,
  removeRecord,
  writeRecord,
  type DatasetRecord,
  type SnapshotRecord,
} from "./records.ts";
import { moveToTrash, putInPlace, removeTrees } from "./trees.ts";
import { ZfsError } from "./zfs-error.ts";

export const POOL = "zones";

export type Records = Map<string, DatasetRecord>;

/** zfs allows colons, too; here they would end a path in overlay options. */
const COMPONENT = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

export function checkName(name: string, verb: string): void {
  const parts = name.split("/");
  if (parts[0] !== POOL) throw new ZfsError(`cannot ${verb} '${name}': no such pool '${parts[0] ?? ""}'`);
  const bad = parts.find((part) => !COMPONENT.test(part));
  if (bad === "")
    throw new ZfsError(`cannot ${verb} '${name}': empty component or misplaced '@' or '#' delimiter in name`);
  if (bad !== undefined || name.length > 255)
    throw new ZfsError(`cannot ${verb} '${name}': invalid character in dataset name`);
}

/** As the platform spells it: the pool is assumed mounted at /zones (imgadm.md 6.1). */
export function mountpointOf(name: string): string {
  return `/${name}`;
}

export function missing(name: string): ZfsError {
  return new ZfsError(`cannot open '${name}': dataset does not exist`);
}

export function splitSnapshot(name: string): { readonly dataset: string; readonly snapshot: string } {
  const at = name.indexOf("@");
  return at < 0 ? { dataset: name, snapshot: "" } : { dataset: name.slice(0, at), snapshot: name.slice(at + 1) };
}

export function findSnapshot(
  records: Records,
  name: string,
): { readonly record: DatasetRecord; readonly snapshot: SnapshotRecord } {
  const { dataset, snapshot } = splitSnapshot(name);
  const record = records.get(dataset);
  const found = record?.snapshots.find((s) => s.name === snapshot);
  if (!record || !found) throw missing(name);
  return { record, snapshot: found };
}

/** Names of the datasets that are clones of this snapshot, or with a dataset's name, of any of its snapshots. */
export function clonesOf(records: Records, name: string): string[] {
  const isOrigin = (origin: string | undefined): boolean =>
    origin !== undefined && (origin === name || origin.startsWith(`${name}@`));
  return [...records.values()].filter((record) => isOrigin(record.origin)).map((record) => record.name);
}

/** The filesystems below `name`, deepest last. */
export function childrenOf(records: Records, name: string): string[] {
  return [...records.keys()].filter((other) => other.startsWith(`${name}/`));
}

/** The directories whose overlay is the content of a snapshot, topmost first, relative to the lab's root. */
export function layersOf(records: Records, name: string): string[] {
  const { record, snapshot } = findSnapshot(records, name);
  const copied = `lab/snapshots/${snapshot.guid}`;
  if (record.backing === "directory") return [snapshot.data === "live" ? record.name : copied];
  const own = snapshot.data === "live" ? `lab/overlay/${record.guid}/upper` : copied;
  return [own, ...(record.origin === undefined ? [] : layersOf(records, record.origin))];
}

/** Reads the pool; sees no half-done work unless somebody is at it this moment. Takes the lock only to clean up. */
export async function readPool(lab: Lab): Promise<Records> {
  const records = await readRecords(lab);
  const unfinished = [...records.values()].some((record) => record.pending);
  return unfinished ? lockedPool(lab, (fresh) => Promise.resolve(fresh)) : records;
}

/** Runs `work` on the pool while no other command changes it. Hold it shortly: every zone and image waits. */
export function lockedPool<T>(lab: Lab, work: (records: Records) => Promise<T>): Promise<T> {
  return withLock(lab.own("locks", "datasets.lock"), async () => {
    let records = await readRecords(lab);
    const unfinished = [...records.values()].filter((record) => record.pending);
    if (unfinished.length > 0) {
      for (const record of unfinished) await recover(lab, records, record);
      records = await readRecords(lab);
    }
    return work(records);
  });
}

/** Finishes what `record.pending` says; each of these may have been done in part, once or already wholly. */
async function recover(lab: Lab, records: Records, record: DatasetRecord): Promise<void> {
  switch (record.pending?.do) {
    case undefined:
      return;
    case "create":
      return finishCreate(lab, record, record.pending.staging);
    case "destroy":
      return removeTrees(lab, await finishDestroy(lab, record));
    case "rename":
      return finishRename(lab, records, record, record.pending.to);
    case "rollback":
      return removeTrees(lab, await finishRollback(lab, record, record.pending.staging));
  }
}

function withoutPending(record: DatasetRecord): DatasetRecord {
  return { ...record, pending: undefined };
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(() => true, absentAs(false));
}

export async function finishCreate(lab: Lab, record: DatasetRecord, staging: string): Promise<void> {
  const staged = await exists(staging);
  if (staged) await putInPlace(lab, staging, lab.path(mountpointOf(record.name)));
  if (staged || (await exists(lab.path(mountpointOf(record.name))))) await writeRecord(lab, withoutPending(record));
  else await removeRecord(lab, record.name);
}

/** Everything of the dataset out of sight, its record last. Returns what is left to remove once the lock is free. */
export async function finishDestroy(lab: Lab, record: DatasetRecord): Promise<string[]> {
  const paths = [
    lab.path(mountpointOf(record.name)),
    lab.own("overlay", record.guid),
    ...record.snapshots.map((snapshot) => lab.own("snapshots", snapshot.guid)),
  ];
  const trash: string[] = [];
  for (const path of paths) {
    const moved = await moveToTrash(lab, path);
    if (moved !== undefined) trash.push(moved);
  }
  await removeRecord(lab, record.name);
  return trash;
}

export async function finishRename(lab: Lab, records: Records, record: DatasetRecord, to: string): Promise<void> {
  const from = lab.path(mountpointOf(record.name));
  if (record.backing === "directory" && (await exists(from))) await putInPlace(lab, from, lab.path(mountpointOf(to)));
  await writeRecord(lab, { ...withoutPending(record), name: to });
  for (const clone of records.values())
    if (clone.origin?.startsWith(`${record.name}@`) === true)
      await writeRecord(lab, { ...clone, origin: `${to}@${splitSnapshot(clone.origin).snapshot}` });
  await removeRecord(lab, record.name);
}

/** The copy of the snapshot in `staging` takes the place of what the dataset is now. Returns what to remove. */
export async function finishRollback(lab: Lab, record: DatasetRecord, staging: string): Promise<string[]> {
  const place =
    record.backing === "overlay" ? lab.own("overlay", record.guid, "upper") : lab.path(mountpointOf(record.name));
  const trash: string[] = [];
  if (await exists(staging)) {
    const moved = await moveToTrash(lab, place);
    if (moved !== undefined) trash.push(moved);
    await putInPlace(lab, staging, place);
  }
  await writeRecord(lab, withoutPending(record));
  return trash;
}
