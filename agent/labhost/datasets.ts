// The pool `zones` of the lab: datasets, snapshots, clones and properties, kept as one JSON file per dataset in
// lab/datasets and as directories (or overlay mounts) below <root>/zones. The zfs, zpool, imgadm and vmadm emulations
// all work on this; nothing else touches dataset directories.
//
// - Every change is made under one lock and journalled in the dataset's record, so a command killed in the middle is
//   finished by the next one (datasets/pool.ts). Long copying happens before, in lab/staging, without the lock.
// - A snapshot named `@final` is an image's: its tree is not written any more, so it costs nothing. Other snapshots copy
//   the tree (of an overlay: its upper directory).
// - Quotas are kept and reported, not enforced.
import type { Lab } from "./lab.ts";
import { cloneDataset, createDataset, linkClone } from "./datasets/making.ts";
import { isMounted, mountAll, mountDataset, unmountDataset } from "./datasets/mounting.ts";
import { diffDatasets, type DiffLine } from "./datasets/diff.ts";
import { destroyDataset, renameDataset, setProperty } from "./datasets/changing.ts";
import { findSnapshot, mountpointOf, POOL, readPool, splitSnapshot, type Records } from "./datasets/pool.ts";
import type { DatasetRecord, SnapshotRecord } from "./datasets/records.ts";
import { rollback, takeSnapshot } from "./datasets/snapshots.ts";
import { diskUsage } from "./datasets/trees.ts";

export { ZfsError } from "./datasets/zfs-error.ts";

export interface Dataset {
  /** `zones/<uuid>`; of a snapshot `zones/<uuid>@<name>`. */
  readonly name: string;
  readonly type: "filesystem" | "snapshot" | "volume";
  /** Of a clone, `<dataset>@<snapshot>`. */
  readonly origin?: string;
  /** As the platform spells it, `/zones/<uuid>`: put it through `lab.path()`. Absent for snapshots. */
  readonly mountpoint?: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly creation: number;
}

/** Each rejects with a ZfsError whose message is what zfs prints. */
export interface DatasetStore {
  /** The pool's own dataset first, then by name; snapshots follow their dataset, oldest first. */
  list(): Promise<readonly Dataset[]>;
  /** undefined: no such dataset or snapshot. */
  get(name: string): Promise<Dataset | undefined>;
  create(name: string, properties?: Readonly<Record<string, string>>): Promise<void>;
  /** `origin` is `<dataset>@<snapshot>`. An overlay mount where the lab may make one, else a full copy. */
  clone(origin: string, name: string, properties?: Readonly<Record<string, string>>): Promise<void>;
  /**
   * A clone made of hard links to the origin's files, for imgadm's partial images only: whoever writes into a file of it
   * writes into the origin. It must replace files instead.
   */
  linkClone(origin: string, name: string): Promise<void>;
  /** `name` is `<dataset>@<snapshot>`. */
  snapshot(name: string, properties?: Readonly<Record<string, string>>): Promise<void>;
  /** Newer snapshots are an error, with `recursive` they are destroyed (`zfs rollback -r`). */
  rollback(snapshot: string, options?: { readonly recursive?: boolean }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** From a snapshot to a later snapshot or the file system, of it or of a clone. */
  diff(from: string, to: string): Promise<readonly DiffLine[]>;
  /** A dataset or a snapshot. `recursive` takes snapshots and children along, never clones. */
  destroy(name: string, options?: { readonly recursive?: boolean }): Promise<void>;
  /** Sets one property; `undefined` is `zfs inherit`. */
  set(name: string, property: string, value: string | undefined): Promise<void>;
  /** Mounted already is an error to zfs; here it is fine. */
  mount(name: string): Promise<void>;
  unmount(name: string): Promise<void>;
  isMounted(name: string): Promise<boolean>;
  /** Bytes of disk: what destroying it would free, for an overlay its upper directory. */
  used(name: string): Promise<number>;
  /**
   * Remounts what a reboot of the machine took away and sweeps what died commands left. Goes on when one does not mount
   * and rejects at the end. Repeating it does nothing.
   */
  mountAll(): Promise<void>;
}

export function datasetStore(lab: Lab): DatasetStore {
  return {
    list: async () => listDatasets(await readPool(lab)),
    get: async (name) => listDatasets(await readPool(lab)).find((dataset) => dataset.name === name),
    create: (name, properties = {}) => createDataset(lab, name, properties),
    clone: (origin, name, properties = {}) => cloneDataset(lab, origin, name, properties),
    linkClone: (origin, name) => linkClone(lab, origin, name),
    snapshot: (name, properties = {}) => takeSnapshot(lab, name, properties),
    rollback: (snapshot, options = {}) => rollback(lab, snapshot, options.recursive ?? false),
    rename: (from, to) => renameDataset(lab, from, to),
    diff: (from, to) => diffDatasets(lab, from, to),
    destroy: (name, options = {}) => destroyDataset(lab, name, options.recursive ?? false),
    set: (name, property, value) => setProperty(lab, name, property, value),
    mount: (name) => mountDataset(lab, name),
    unmount: (name) => unmountDataset(lab, name),
    isMounted: (name) => isMounted(lab, name),
    used: async (name) => diskUsage(lab, diskPath(lab, await readPool(lab), name)),
    mountAll: () => mountAll(lab),
  };
}

function listDatasets(records: Records): Dataset[] {
  const pool: Dataset = { name: POOL, type: "filesystem", mountpoint: mountpointOf(POOL), properties: {}, creation: 0 };
  const datasets = [...records.values()].flatMap((record) => [
    asDataset(record),
    ...record.snapshots.map((snapshot) => asSnapshot(record, snapshot)),
  ]);
  return [pool, ...datasets];
}

function asDataset(record: DatasetRecord): Dataset {
  return {
    name: record.name,
    type: "filesystem",
    ...(record.origin !== undefined && { origin: record.origin }),
    mountpoint: mountpointOf(record.name),
    properties: record.properties,
    creation: record.creation,
  };
}

function asSnapshot(record: DatasetRecord, snapshot: SnapshotRecord): Dataset {
  return {
    name: `${record.name}@${snapshot.name}`,
    type: "snapshot",
    properties: snapshot.properties,
    creation: snapshot.creation,
  };
}

function diskPath(lab: Lab, records: Records, name: string): string {
  if (splitSnapshot(name).snapshot !== "") return lab.own("snapshots", findSnapshot(records, name).snapshot.guid);
  const record = records.get(name);
  return record?.backing === "overlay" ? lab.own("overlay", record.guid, "upper") : lab.path(mountpointOf(name));
}
