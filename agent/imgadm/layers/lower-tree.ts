// The tree of the image below, as imgadm mounts it at /<pool>/<uuid>/root. Only looked at, never written, and no
// symlink of it is ever followed by the kernel: a path is asked for only when all its parents are real directories.
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export type LowerKind = "directory" | "symlink" | "other";

export interface LowerTree {
  /** False where the tree is not there at all: not installed or not mounted. Not remembered. */
  exists(): boolean;
  /** undefined: nothing there, or something above it is not a directory. */
  kind(path: string): LowerKind | undefined;
  /** Target of a symlink, as it is written. */
  target(path: string): string;
  /** Names in a directory. */
  children(path: string): readonly string[];
}

/** Below the first layer there is nothing. */
export const EMPTY_TREE: LowerTree = {
  exists: () => true,
  kind: () => undefined,
  target: () => "",
  children: () => [],
};

/**
 * Reads the tree at `root`, remembering what was asked: image datasets do not change. Synchronous on purpose: one
 * lstat in memory is shorter than a turn of the event loop, and callers pause between batches.
 */
export function openLowerTree(root: string): LowerTree {
  const known = new Map<string, LowerKind | undefined>([["", "directory"]]);
  const kind = (path: string): LowerKind | undefined => {
    const remembered = known.get(path);
    if (remembered !== undefined || known.has(path)) return remembered;
    const slash = path.lastIndexOf("/");
    const parent = slash === -1 ? "" : path.slice(0, slash);
    const found = kind(parent) === "directory" ? look(join(root, path)) : undefined;
    known.set(path, found);
    return found;
  };
  return {
    exists: () => look(root) === "directory",
    kind,
    target: (path) => readlinkSync(join(root, path)),
    children: (path) => readdirSync(join(root, path)),
  };
}

function look(path: string): LowerKind | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "symlink" : "other";
}
