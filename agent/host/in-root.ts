// Reading files of an image or of a zone that does not run. Everything below such a root is somebody else's: links are
// followed inside the root only, and only regular files of bounded size are read. While a zone runs its processes could
// swap a component between our look and our open, so callers read running zones' files not at all.
import { constants, lstatSync, openSync, closeSync, fstatSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";

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
export function readTextInRoot(root: string, path: string, maxBytes: number): string | undefined {
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
    if (!status.isFile()) return undefined;
    const length = Math.min(status.size, maxBytes);
    const buffer = Buffer.alloc(length);
    const read = readSync(fd, buffer, 0, length, status.size - length);
    return buffer.toString("utf8", 0, read);
  } finally {
    closeSync(fd);
  }
}
