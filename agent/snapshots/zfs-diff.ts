// `zfs diff -FH`, read into what Docker's diff lists. Pure.
//
// A line is CHANGE, TYPE, PATH and for a rename the new PATH, separated by tabs; a change of the number of links adds
// `(+1)`. Bytes of a path that are not printable ASCII, and blanks, stand as `\` and four octal digits. (zfs(8); the
// reference does not have the command: `zonelet selftest` has to compare this on a real node.)
import { AgentError } from "../errors/agent-error.ts";

/** Docker's letters: added, changed, deleted. */
export type ChangeKind = "A" | "C" | "D";

export interface PathChange {
  readonly kind: ChangeKind;
  /** In the container, from its root on. */
  readonly path: string;
}

export interface DatasetChange {
  readonly change: "+" | "-" | "M" | "R";
  /** `F` file, `/` directory, `@` link, … */
  readonly type: string;
  readonly path: string;
  /** Of a rename. */
  readonly to?: string;
}

/** One line; raises HOST_OUTPUT_INVALID for anything that is none. */
export function parseDiffLine(line: string): DatasetChange {
  const [change, type, path, ...rest] = line.split("\t");
  const [to] = rest.filter((field) => !/^\([+-]\d+\)$/.test(field));
  if (
    (change === "+" || change === "-" || change === "M" || change === "R") &&
    type !== undefined &&
    type.length === 1 &&
    path !== undefined &&
    path.startsWith("/") &&
    (change !== "R" || to !== undefined)
  )
    return { change, type, path: unescape(path), ...(change === "R" && to !== undefined ? { to: unescape(to) } : {}) };
  throw new AgentError("HOST_OUTPUT_INVALID", `zfs diff printed ${JSON.stringify(line.slice(0, 200))}`);
}

function unescape(text: string): string {
  const bytes: number[] = [];
  const raw = Buffer.from(text, "utf8");
  for (let i = 0; i < raw.length;) {
    const octal = raw[i] === 0x5c ? /^\\(0[0-7]{3})/.exec(raw.toString("latin1", i, i + 5))?.[1] : undefined;
    if (octal === undefined) {
      bytes.push(raw[i] ?? 0);
      i++;
    } else {
      bytes.push(parseInt(octal, 8) & 0xff);
      i += 5;
    }
  }
  return Buffer.from(bytes).toString("utf8");
}

/**
 * What Docker would list of the changes below `root` (a path of the global zone): every directory that leads to a change
 * is changed itself, nothing below a deleted directory is told, a rename is a deletion and an addition. `list` tells what
 * is below a directory that was moved, whose content zfs passes over. In the order of paths.
 */
export function containerChanges(
  changes: readonly DatasetChange[],
  root: string,
  list: (directory: string) => readonly string[],
): readonly PathChange[] {
  const kinds = new Map<string, ChangeKind>();
  const inside = (path: string): string | undefined =>
    path.startsWith(`${root}/`) ? path.slice(root.length).replace(/\/$/, "") : undefined;
  const add = (kind: ChangeKind, path: string | undefined): void => {
    if (path === undefined || path === "") return;
    const before = kinds.get(path);
    // A name that was given up and taken again is one that changed.
    kinds.set(path, (before === "A" && kind === "D") || (before === "D" && kind === "A") ? "C" : (before ?? kind));
  };
  for (const { change, type, path, to } of changes) {
    const from = inside(path);
    if (change === "+") add("A", from);
    else if (change === "-") add("D", from);
    else if (change === "M") add("C", from);
    else {
      const target = to === undefined ? undefined : inside(to);
      add("D", from);
      add("A", target);
      if (type === "/" && target !== undefined) for (const below of list(target)) add("A", below);
    }
  }
  for (const path of [...kinds.keys()]) {
    for (let parent = dirname(path); parent !== ""; parent = dirname(parent)) {
      if (kinds.has(parent)) continue;
      kinds.set(parent, "C");
    }
  }
  const deleted = (path: string): boolean => {
    for (let parent = dirname(path); parent !== ""; parent = dirname(parent))
      if (kinds.get(parent) === "D") return true;
    return false;
  };
  return [...kinds]
    .filter(([path]) => !deleted(path))
    .map(([path, kind]) => ({ kind, path }))
    .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
