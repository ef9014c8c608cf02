// The files of a volume, touched while no zone has it mounted: its first content, and directories below it.
import { constants } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  lchown,
  link,
  lstat,
  mkdir,
  readdir,
  readlink,
  rm,
  symlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import type { DirectoryOwner } from "../spec/resolved.ts";

export async function isEmptyDirectory(path: string): Promise<boolean> {
  return (await readdir(path)).length === 0;
}

/** Removes what is in the directory; links are removed, never followed. */
export async function emptyDirectory(path: string): Promise<void> {
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
}

export async function setOwner(path: string, { mode, uid, gid }: DirectoryOwner): Promise<void> {
  await chown(path, uid, gid);
  await chmod(path, mode);
}

/**
 * Copies the content of one directory into another, empty one, with owners, modes and times, and gives that one the
 * first's owner and mode. Hard links within stay links; devices, pipes and sockets are left out. Neither tree may be
 * changed by anybody else meanwhile. An abort rejects between two files and leaves a part.
 */
export async function copyContent(source: string, target: string, signal?: AbortSignal): Promise<void> {
  const linked = new Map<string, string>();

  async function copyDirectory(from: string, to: string): Promise<void> {
    for (const name of await readdir(from)) {
      signal?.throwIfAborted();
      await copyEntry(join(from, name), join(to, name));
    }
    const { uid, gid, mode, atime, mtime } = await lstat(from);
    await chown(to, uid, gid);
    await chmod(to, mode & 0o7777);
    await utimes(to, atime, mtime);
  }

  async function copyEntry(from: string, to: string): Promise<void> {
    const status = await lstat(from);
    if (status.isDirectory()) {
      await mkdir(to, { mode: 0o700 });
      await copyDirectory(from, to);
    } else if (status.isSymbolicLink()) {
      await symlink(await readlink(from), to);
      await lchown(to, status.uid, status.gid);
    } else if (status.isFile()) {
      const key = `${status.dev}:${status.ino}`;
      const first = status.nlink > 1 ? linked.get(key) : undefined;
      if (first !== undefined) {
        await link(first, to);
        return;
      }
      await copyFile(from, to, constants.COPYFILE_EXCL);
      await chown(to, status.uid, status.gid);
      await chmod(to, status.mode & 0o7777);
      await utimes(to, status.atime, status.mtime);
      linked.set(key, to);
    }
  }

  await copyDirectory(source, target);
}

/**
 * Makes sure that `subpath` is a directory below `root` and no part of it a link. Nobody may be able to write above it
 * (`nestedWriters`); then what was looked at stays as it is. Raises VOLUME_INVALID with `what` in front.
 */
export async function makeSubdirectory(root: string, subpath: string, what: string): Promise<void> {
  let place = root;
  for (const part of subpath.split("/").filter(Boolean)) {
    place = join(place, part);
    const status = await lstat(place).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (status === undefined) await mkdir(place, { mode: 0o755 });
    else if (status.isSymbolicLink())
      throw new AgentError("VOLUME_INVALID", `${what}: "${part}" is a symbolic link, which is not followed`);
    else if (!status.isDirectory()) throw new AgentError("VOLUME_INVALID", `${what}: "${part}" is not a directory`);
  }
}
