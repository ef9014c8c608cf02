// zfs destroy, rename and set.
import type { Lab } from "../lab.ts";
import { ensureMounted, ensureUnmounted } from "./mounting.ts";
import {
  checkName,
  childrenOf,
  clonesOf,
  findSnapshot,
  finishDestroy,
  finishRename,
  lockedPool,
  missing,
  POOL,
  splitSnapshot,
  type Records,
} from "./pool.ts";
import { writeRecord, type DatasetRecord } from "./records.ts";
import { moveToTrash, removeTrees } from "./trees.ts";
import { ZfsError } from "./zfs-error.ts";

export async function destroyDataset(lab: Lab, name: string, recursive: boolean): Promise<void> {
  const trash = await lockedPool(lab, async (records) => {
    if (splitSnapshot(name).snapshot !== "") return destroySnapshot(lab, records, name);
    if (name === POOL) throw new ZfsError(`cannot destroy '${name}': operation does not apply to pools`);
    if (!records.has(name)) throw missing(name);
    const doomed = plannedDestruction(records, name, recursive);
    const removed: string[] = [];
    for (const record of doomed) {
      await ensureUnmounted(lab, record);
      await writeRecord(lab, { ...record, pending: { do: "destroy" } });
      removed.push(...(await finishDestroy(lab, record)));
    }
    return removed;
  });
  await removeTrees(lab, trash);
}

/** The datasets that go, children before parents. Raises zfs's refusals: clones always, the rest without -r. */
function plannedDestruction(records: Records, name: string, recursive: boolean): DatasetRecord[] {
  const names = [...childrenOf(records, name).reverse(), name];
  const clones = names.flatMap((doomed) => clonesOf(records, doomed)).filter((clone) => !names.includes(clone));
  if (clones.length > 0)
    throw new ZfsError(
      `cannot destroy '${name}': filesystem has dependent clones\n` +
        `use '-R' to destroy the following datasets:\n${clones.join("\n")}`,
    );
  const along = names.flatMap((doomed) => [
    ...(records.get(doomed)?.snapshots.map((snapshot) => `${doomed}@${snapshot.name}`) ?? []),
    ...(doomed === name ? [] : [doomed]),
  ]);
  if (along.length > 0 && !recursive)
    throw new ZfsError(
      `cannot destroy '${name}': filesystem has children\nuse '-r' to destroy the following datasets:\n${along.join("\n")}`,
    );
  return names.map((doomed) => records.get(doomed)).filter((record) => record !== undefined);
}

async function destroySnapshot(lab: Lab, records: Records, name: string): Promise<string[]> {
  const { record, snapshot } = findSnapshotToDestroy(records, name);
  const clones = clonesOf(records, name);
  if (clones.length > 0)
    throw new ZfsError(
      `cannot destroy '${name}': snapshot has dependent clones\n` +
        `use '-R' to destroy the following datasets:\n${clones.join("\n")}`,
    );
  await writeRecord(lab, { ...record, snapshots: record.snapshots.filter((other) => other !== snapshot) });
  const moved = await moveToTrash(lab, lab.own("snapshots", snapshot.guid));
  return moved === undefined ? [] : [moved];
}

/** For a missing snapshot zfs destroy has words of its own. */
function findSnapshotToDestroy(records: Records, name: string): ReturnType<typeof findSnapshot> {
  try {
    return findSnapshot(records, name);
  } catch {
    if (!records.has(splitSnapshot(name).dataset)) throw missing(splitSnapshot(name).dataset);
    throw new ZfsError("could not find any snapshots to destroy; check snapshot names.");
  }
}

export async function renameDataset(lab: Lab, from: string, to: string): Promise<void> {
  checkName(to, "create");
  await lockedPool(lab, async (records) => {
    const record = records.get(from);
    if (!record) throw missing(from);
    if (to === POOL || records.has(to)) throw new ZfsError(`cannot rename '${from}': dataset already exists`);
    const children = childrenOf(records, from);
    if (children.length > 0)
      throw new ZfsError(
        `cannot rename '${from}': the lab host renames no dataset with children (${children.join(", ")})`,
      );
    await ensureUnmounted(lab, record);
    await writeRecord(lab, { ...record, pending: { do: "rename", to } });
    await finishRename(lab, records, record, to);
    await ensureMounted(lab, records, { ...record, name: to });
  });
}

export async function setProperty(lab: Lab, name: string, property: string, value: string | undefined): Promise<void> {
  await lockedPool(lab, async (records) => {
    const { dataset, snapshot } = splitSnapshot(name);
    const change = (old: Readonly<Record<string, string>>): Record<string, string> =>
      Object.fromEntries([
        ...Object.entries(old).filter(([key]) => key !== property),
        ...(value === undefined ? [] : [[property, value] as const]),
      ]);
    const record = records.get(dataset);
    if (!record) throw missing(name);
    if (snapshot === "") return writeRecord(lab, { ...record, properties: change(record.properties) });
    const found = findSnapshot(records, name).snapshot;
    const snapshots = record.snapshots.map((other) =>
      other === found ? { ...found, properties: change(found.properties) } : other,
    );
    return writeRecord(lab, { ...record, snapshots });
  });
}
