// zfs create and zfs clone.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import {
  checkName,
  finishCreate,
  layersOf,
  lockedPool,
  missing,
  mountpointOf,
  POOL,
  readPool,
  type Records,
} from "./pool.ts";
import { newGuid, removeRecord, writeRecord, type DatasetRecord } from "./records.ts";
import {
  copyTree,
  linkTree,
  makeOverlayDirectories,
  mountOverlay,
  moveToTrash,
  removeTrees,
  stagingPath,
} from "./trees.ts";
import { ZfsError } from "./zfs-error.ts";

type Properties = Readonly<Record<string, string>>;

export async function createDataset(lab: Lab, name: string, properties: Properties): Promise<void> {
  checkName(name, "create");
  checkFree(await readPool(lab), name, "create");
  const staging = await stagingPath(lab);
  await mkdir(staging, { mode: 0o755 });
  await commit(lab, newRecord(name, "directory", properties), staging, "create");
}

/** An overlay over the origin's layers; where the kernel refuses one (or the lab has none), a copy. */
export async function cloneDataset(lab: Lab, origin: string, name: string, properties: Properties): Promise<void> {
  const layers = await cloneable(lab, origin, name);
  if (lab.config.clones === "overlay") {
    const record = { ...newRecord(name, "overlay", properties), origin };
    if (await tryOverlay(lab, record)) return;
  }
  await cloneInto(lab, origin, name, properties, layers, copyTree);
}

export async function linkClone(lab: Lab, origin: string, name: string): Promise<void> {
  const layers = await cloneable(lab, origin, name);
  await cloneInto(lab, origin, name, {}, layers, linkTree);
}

async function cloneable(lab: Lab, origin: string, name: string): Promise<string[]> {
  const records = await readPool(lab);
  const layers = layersOf(records, origin);
  checkName(name, "create");
  checkFree(records, name, "create");
  return layers;
}

async function cloneInto(
  lab: Lab,
  origin: string,
  name: string,
  properties: Properties,
  layers: readonly string[],
  copy: (lab: Lab, source: string, target: string) => Promise<void>,
): Promise<void> {
  const [source, ...lower] = layers;
  if (source === undefined || lower.length > 0)
    throw new ZfsError(`cannot create '${name}': the lab host has no overlayfs here and '${origin}' is an overlay's`);
  const staging = await stagingPath(lab);
  try {
    await copy(lab, join(lab.root, source), staging);
  } catch (error) {
    await removeTrees(lab, [staging]);
    // Without locks an origin may go while it is copied; zfs would have said so at once.
    if (!(await readPool(lab)).has(origin.split("@")[0] ?? "")) throw missing(origin);
    throw error;
  }
  await commit(lab, { ...newRecord(name, "directory", properties), origin }, staging, "create");
}

async function tryOverlay(lab: Lab, record: DatasetRecord): Promise<boolean> {
  return lockedPool(lab, async (records) => {
    checkFree(records, record.name, "create");
    const lowers = layersOf(records, record.origin ?? "");
    await makeOverlayDirectories(lab, record.guid);
    await writeRecord(lab, record);
    try {
      const target = lab.path(mountpointOf(record.name));
      await mountOverlay(lab, { name: record.name, lowers, guid: record.guid, target });
      return true;
    } catch {
      await removeRecord(lab, record.name);
      const trash = [await moveToTrash(lab, lab.own("overlay", record.guid))];
      trash.push(await moveToTrash(lab, lab.path(mountpointOf(record.name))));
      await removeTrees(
        lab,
        trash.filter((path) => path !== undefined),
      );
      return false;
    }
  });
}

/** Makes the staged tree the dataset, unless somebody was faster or the origin is gone. */
async function commit(lab: Lab, record: DatasetRecord, staging: string, verb: string): Promise<void> {
  try {
    await lockedPool(lab, async (records) => {
      checkFree(records, record.name, verb);
      if (record.origin !== undefined) layersOf(records, record.origin);
      await writeRecord(lab, { ...record, pending: { do: "create", staging } });
      await finishCreate(lab, record, staging);
    });
  } catch (error) {
    await removeTrees(lab, [staging]);
    throw error;
  }
}

function newRecord(name: string, backing: DatasetRecord["backing"], properties: Properties): DatasetRecord {
  return { version: 1, name, guid: newGuid(), creation: Date.now(), backing, properties, snapshots: [] };
}

function checkFree(records: Records, name: string, verb: string): void {
  if (name === POOL || records.has(name)) throw new ZfsError(`cannot ${verb} '${name}': dataset already exists`);
  const parent = name.slice(0, name.lastIndexOf("/"));
  if (parent !== POOL && !records.has(parent)) throw new ZfsError(`cannot ${verb} '${name}': parent does not exist`);
}
