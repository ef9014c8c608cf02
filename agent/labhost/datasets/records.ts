// What the lab's pool knows: one JSON file per filesystem in lab/datasets, its snapshots inside it. A directory below
// <root>/zones without a record is no dataset, whatever it is called.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { writeFileAtomic } from "../../util/atomic-file.ts";
import type { Lab } from "../lab.ts";

export interface SnapshotRecord {
  /** The part behind the `@`. */
  readonly name: string;
  readonly guid: string;
  readonly creation: number;
  /** Its order among all snapshots: two made in one millisecond still have a first and a second. */
  readonly txg: number;
  readonly properties: Readonly<Record<string, string>>;
  /**
   * Where its content is. `live`: the dataset's own tree, which nobody writes any more (images); `copy`: a copy of the
   * tree (or of the overlay's upper directory) in lab/snapshots/<guid>.
   */
  readonly data: "live" | "copy";
}

/** Work begun on a dataset; whoever finds it under the store's lock finishes it, because who began it is dead. */
export type Pending =
  | { readonly do: "create"; readonly staging: string }
  | { readonly do: "destroy" }
  | { readonly do: "rename"; readonly to: string }
  | { readonly do: "rollback"; readonly staging: string };

export interface DatasetRecord {
  readonly version: 1;
  readonly name: string;
  /** Never changes, and names everything of the dataset below lab/. */
  readonly guid: string;
  readonly creation: number;
  /** `<dataset>@<snapshot>` */
  readonly origin?: string;
  /** `directory`: a tree at the mountpoint. `overlay`: a mount there, upper and work directory in lab/overlay/<guid>. */
  readonly backing: "directory" | "overlay";
  readonly properties: Readonly<Record<string, string>>;
  readonly snapshots: readonly SnapshotRecord[];
  readonly pending?: Pending | undefined;
}

export function newGuid(): string {
  return randomBytes(8).toString("hex");
}

function recordFile(lab: Lab, name: string): string {
  return lab.own("datasets", `${encodeURIComponent(name)}.json`);
}

export async function readRecords(lab: Lab): Promise<Map<string, DatasetRecord>> {
  const files = await readdir(lab.own("datasets")).catch(absentAs<string[]>([]));
  const records = await Promise.all(
    files
      .filter((file) => file.endsWith(".json"))
      .map(async (file) => {
        const text = await readFile(lab.own("datasets", file), "utf8").catch(absentAs(undefined));
        return text === undefined ? undefined : (JSON.parse(text) as DatasetRecord);
      }),
  );
  const found = records.filter((record) => record !== undefined);
  return new Map(found.map((record) => [record.name, record] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function writeRecord(lab: Lab, record: DatasetRecord): Promise<void> {
  await mkdir(lab.own("datasets"), { recursive: true });
  await writeFileAtomic(recordFile(lab, record.name), `${JSON.stringify(record, null, 2)}\n`, { sync: false });
}

export async function removeRecord(lab: Lab, name: string): Promise<void> {
  await rm(recordFile(lab, name), { force: true });
}

/** For `.catch()`: a missing file or directory is `value`, any other error stays one. */
export function absentAs<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return value;
    throw error;
  };
}
