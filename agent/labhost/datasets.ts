// The pool `zones` of the lab: datasets, snapshots, clones and properties, kept as one JSON file per dataset in
// lab/datasets and as directories (or overlay mounts) below <root>/zones. The zfs, zpool, imgadm and vmadm emulations
// all work on this; nothing else touches dataset directories.
import type { Lab } from "./lab.ts";

export interface Dataset {
  readonly name: string;
  readonly type: "filesystem" | "snapshot" | "volume";
  readonly origin?: string;
  readonly mountpoint?: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly creation: number;
}

export interface DatasetStore {
  list(): Promise<readonly Dataset[]>;
  get(name: string): Promise<Dataset | undefined>;
  create(name: string, properties?: Readonly<Record<string, string>>): Promise<void>;
  /** `origin` is `<dataset>@<snapshot>`. Clones of images for images are full trees; for zones overlays where possible. */
  clone(origin: string, name: string, properties?: Readonly<Record<string, string>>): Promise<void>;
  snapshot(name: string): Promise<void>;
  rollback(snapshot: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  destroy(name: string, options?: { readonly recursive?: boolean }): Promise<void>;
  set(name: string, property: string, value: string): Promise<void>;
  mount(name: string): Promise<void>;
  /** Remounts what a reboot of the machine took away. */
  mountAll(): Promise<void>;
}

export class ZfsError extends Error {}

export function datasetStore(lab: Lab): DatasetStore {
  throw new ZfsError(`not yet: ${lab.root}`);
}
