// zfs diff: what differs between a snapshot and a later snapshot or the file system of it, or of a clone of it. The real
// one reads what was written since; here both trees are walked.
import { lstatSync, mkdirSync, opendirSync, readFileSync, readlinkSync, rmdirSync, type BigIntStats } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { unmount } from "../mounts.ts";
import { findSnapshot, layersOf, missing, mountpointOf, readPool, splitSnapshot, type Records } from "./pool.ts";
import { mountLayers, stagingPath } from "./trees.ts";
import { ZfsError } from "./zfs-error.ts";

export interface DiffLine {
  readonly change: "+" | "-" | "M";
  readonly type: string;
  /** Path in the target's mount point. */
  readonly path: string;
}

/** Lines in the order of paths. Renames are told as a removal and an addition: the trees do not keep object numbers. */
export async function diffDatasets(lab: Lab, from: string, to: string): Promise<readonly DiffLine[]> {
  const records = await readPool(lab);
  if (!from.includes("@")) throw new ZfsError(`Badly formed snapshot name ${from}`);
  findSnapshot(records, from);
  const target = to.includes("@") ? splitSnapshot(to).dataset : to;
  const record = records.get(target);
  if (!record) throw missing(target);
  if (to.includes("@")) findSnapshot(records, to);
  if (!descends(records, from, target))
    throw new ZfsError(`Unable to obtain diffs: \n   Not an earlier snapshot from the same fs`);
  const mountpoint = mountpointOf(target);
  const [before, after] = [await view(lab, records, from), await view(lab, records, to)];
  try {
    const lines: DiffLine[] = [];
    compare(before.path, after.path, "", (change, type, path) =>
      lines.push({ change, type, path: `${mountpoint}${path}` }),
    );
    return lines.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  } finally {
    await before.close();
    await after.close();
  }
}

/** A snapshot of the dataset itself, or of one it was cloned from. */
function descends(records: Records, snapshot: string, dataset: string): boolean {
  const { dataset: source } = splitSnapshot(snapshot);
  for (let name: string | undefined = dataset; name !== undefined;) {
    if (name === source) return true;
    const origin: string | undefined = records.get(name)?.origin;
    name = origin === undefined ? undefined : splitSnapshot(origin).dataset;
  }
  return false;
}

interface View {
  readonly path: string;
  close(): Promise<void>;
}

/** The tree of a file system or snapshot; an overlay's snapshot is mounted read-only for the time. */
async function view(lab: Lab, records: Records, name: string): Promise<View> {
  const nothing = (): Promise<void> => Promise.resolve();
  if (!name.includes("@")) return { path: lab.path(mountpointOf(name)), close: nothing };
  const layers = layersOf(records, name);
  const [first] = layers;
  if (layers.length === 1 && first !== undefined) return { path: join(lab.root, first), close: nothing };
  const target = await stagingPath(lab);
  mkdirSync(target, { recursive: true });
  await mountLayers(lab, layers, target);
  return {
    path: target,
    close: async () => {
      await unmount(target);
      rmdirSync(target);
    },
  };
}

type Report = (change: DiffLine["change"], type: string, path: string) => void;

function compare(before: string, after: string, path: string, report: Report): void {
  const [left, right] = [status(join(before, path)), status(join(after, path))];
  if (!left || !right || typeOf(left) !== typeOf(right)) {
    if (left) report("-", typeOf(left), path);
    if (right) report("+", typeOf(right), path);
    if (left?.isDirectory())
      for (const name of names(join(before, path))) compare(before, after, `${path}/${name}`, report);
    else if (right?.isDirectory())
      for (const name of names(join(after, path))) compare(before, after, `${path}/${name}`, report);
    return;
  }
  const entries = left.isDirectory() ? [names(join(before, path)), names(join(after, path))] : [[], []];
  const [old = [], now = []] = entries;
  if (path !== "" && differs(left, right, join(before, path), join(after, path), old, now))
    report("M", typeOf(left), path);
  for (const name of new Set([...old, ...now])) compare(before, after, `${path}/${name}`, report);
}

function differs(
  left: BigIntStats,
  right: BigIntStats,
  before: string,
  after: string,
  old: string[],
  now: string[],
): boolean {
  if (left.mode !== right.mode || left.uid !== right.uid || left.gid !== right.gid || left.rdev !== right.rdev)
    return true;
  if (left.isDirectory()) return old.length !== now.length || old.some((name) => !now.includes(name));
  if (left.size !== right.size) return true;
  if (left.isSymbolicLink()) return readlinkSync(before) !== readlinkSync(after);
  if (!left.isFile()) return false;
  if (left.mtimeNs !== right.mtimeNs) return true;
  // Same size and time: the same file, unless somebody set the time back.
  return left.ino !== right.ino && left.size <= 65_536n && !readFileSync(before).equals(readFileSync(after));
}

function status(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function names(path: string): string[] {
  const directory = opendirSync(path);
  const found: string[] = [];
  for (let entry = directory.readSync(); entry; entry = directory.readSync()) found.push(entry.name);
  directory.closeSync();
  return found.toSorted();
}

/** zfs's letters of types (zfs(8), diff -F). */
function typeOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "/";
  if (stats.isSymbolicLink()) return "@";
  if (stats.isBlockDevice()) return "B";
  if (stats.isCharacterDevice()) return "C";
  if (stats.isFIFO()) return "|";
  return stats.isSocket() ? "=" : "F";
}
