// Reading files of an image or of a zone that does not run, and adding lines to such a zone's. Everything below such a root is somebody else's: links are
// followed inside the root only, and only regular files of bounded size are read. While a zone runs its processes could
// swap a component between our look and our open, so callers read running zones' files not at all.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

const MAX_LINKS = 40;

/**
 * The real place of `path` inside `root`, as a process chrooted there would find it; undefined when a component does
 * not exist, is no directory, or links go round in circles.
 */
export function resolveInRoot(root: string, path: string): string | undefined {
  let pending = path.split("/").filter(Boolean);
  let resolved: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const [component, ...rest] = pending;
    pending = rest;
    if (component === undefined || component === ".") continue;
    if (component === "..") {
      resolved = resolved.slice(0, -1);
      continue;
    }
    const candidate = join(root, ...resolved, component);
    let status;
    try {
      status = lstatSync(candidate);
    } catch {
      return undefined;
    }
    if (status.isSymbolicLink()) {
      if (++links > MAX_LINKS) return undefined;
      const target = readlinkSync(candidate);
      if (target.startsWith("/")) resolved = [];
      pending = [...target.split("/").filter(Boolean), ...pending];
      continue;
    }
    if (pending.length > 0 && !status.isDirectory()) return undefined;
    resolved = [...resolved, component];
  }
  return join(root, ...resolved);
}

/** Text of a regular file inside `root`, at most the last `maxBytes` of it; undefined when it is missing or something else. */
export function readTextInRoot(
  root: string,
  path: string,
  maxBytes: number,
  options: { /** Nor one that has another name as well. */ readonly oneName?: boolean } = {},
): string | undefined {
  const place = resolveInRoot(root, path);
  if (place === undefined) return undefined;
  let fd;
  try {
    fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile() || (options.oneName === true && status.nlink !== 1)) return undefined;
    const length = Math.min(status.size, maxBytes);
    const buffer = Buffer.alloc(length);
    const read = readSync(fd, buffer, 0, length, status.size - length);
    return buffer.toString("utf8", 0, read);
  } finally {
    closeSync(fd);
  }
}

/** Larger ones are no text anybody adds lines to. */
const MAX_TEXT = 4 * 1024 * 1024;

/**
 * Adds lines to a text file inside `root` that does not have them yet; the file and its directory are made when
 * missing. Nothing outside the root is touched, whatever links say. Throws for what is no regular file, or a link
 * that leads nowhere. One write: a kill leaves none, some, or all of the lines, and a repeat adds what is missing.
 */
export function appendLinesInRoot(root: string, path: string, lines: readonly string[]): void {
  const directory = dirname(path);
  if (resolveInRoot(root, directory) === undefined) mkdirSync(join(root, directory), { mode: 0o755 });
  const place = resolveInRoot(root, path) ?? newFile(root, path);
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = openSync(place, flags, 0o644);
  try {
    const status = fstatSync(fd);
    if (!status.isFile() || status.size > MAX_TEXT) throw new Error(`${path} is not a text file`);
    const text = readFileSync(fd, "utf8");
    const there = new Set(text.split("\n"));
    const missing = lines.filter((line) => !there.has(line));
    if (missing.length === 0) return;
    const gap = text === "" || text.endsWith("\n") ? "" : "\n";
    writeSync(fd, `${gap}${missing.join("\n")}\n`);
  } finally {
    closeSync(fd);
  }
}

/** Where a file can be made that does not exist. A link whose target is missing is an entry, too: not to be made through. */
function newFile(root: string, path: string): string {
  const directory = resolveInRoot(root, dirname(path));
  const name = path.split("/").at(-1) ?? "";
  if (directory === undefined) throw new Error(`${dirname(path)} is not a directory`);
  const place = join(directory, name);
  if (exists(place)) throw new Error(`${path} is a link that leads nowhere`);
  return place;
}

function exists(place: string): boolean {
  try {
    lstatSync(place);
    return true;
  } catch {
    return false;
  }
}
