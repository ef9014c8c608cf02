// Takes an archive apart into a scratch directory, under names of our own: nothing in the archive chooses a path.
import { createReadStream } from "node:fs";
import { constants, copyFile, lstat, open, readdir, stat } from "node:fs/promises";
import { posix } from "node:path";
import { AgentError } from "../../errors/agent-error.ts";
import { fromUnknown } from "../../errors/chain.ts";
import { requireSpace, tellFullDisk } from "../disk-space.ts";
import { LIMITS } from "../limits.ts";
import { readTar, type TarStreamEntry } from "../layers/read-tar.ts";

/** Name in the archive (without `./`) to the file that holds its content. */
export type ArchiveMembers = ReadonlyMap<string, ArchiveMember>;

export interface ArchiveMember {
  readonly file: string;
  readonly size: number;
}

/** Takes an archive or a directory with the same content apart; see {@link unpackTar} and {@link copyLayout}. */
export async function unpackArchive(
  path: string,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<ArchiveMembers> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return await copyLayout(path, directory, signal);
    // Of a packed one it is the least; what it unpacks to, nobody knows before.
    await requireSpace(directory, found.size, `archive ${path}`);
    return await unpackTar(path, directory, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw archiveFailure(path, await tellFullDisk(error, directory, `unpacking ${path}`));
  }
}

/**
 * Copies what belongs to a layout out of the directory `path`: nobody can change it then under our hands. Links are
 * not followed.
 */
async function copyLayout(path: string, directory: string, signal: AbortSignal | undefined): Promise<ArchiveMembers> {
  const names = [...(await readdir(path)).filter((name) => /^(?:index|manifest)\.json$/.test(name))];
  const blobs = await readdir(posix.join(path, "blobs/sha256")).catch((): string[] => []);
  names.push(...blobs.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `blobs/sha256/${name}`));
  const files = [];
  for (const name of names.slice(0, LIMITS.archiveMembers)) {
    const found = await lstat(posix.join(path, name));
    if (found.isFile()) files.push({ name, size: found.size });
  }
  await requireSpace(
    directory,
    files.reduce((sum, { size }) => sum + size, 0),
    `layout ${path}`,
  );
  const members = new Map<string, ArchiveMember>();
  for (const [index, { name }] of files.entries()) {
    signal?.throwIfAborted();
    const file = posix.join(directory, `member-${index + 1}`);
    await copyFile(posix.join(path, name), file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    members.set(name, { file, size: (await stat(file)).size });
  }
  return members;
}

/**
 * Reads the archive `path` (plain, gzip or zstd). Symlinks between members, as `docker save` wrote them for repeated
 * layers, are followed inside the archive. IMAGE_ARCHIVE_INVALID tells file, member and fault.
 */
async function unpackTar(path: string, directory: string, signal: AbortSignal | undefined): Promise<ArchiveMembers> {
  const members = new Map<string, ArchiveMember>();
  const links = new Map<string, string>();
  const packed = createReadStream(path, { highWaterMark: 256 * 1024, ...(signal ? { signal } : {}) });
  try {
    const { entries } = await readTar(packed, `archive ${path}`);
    let count = 0;
    for await (const entry of entries) {
      if (++count > LIMITS.archiveMembers)
        throw new AgentError("IMAGE_ARCHIVE_INVALID", `${path} has more than ${LIMITS.archiveMembers} members`);
      const name = memberName(path, entry.header.name);
      const { type } = entry.header;
      if (type === "file" || type === "contiguous-file")
        members.set(name, await store(entry, posix.join(directory, `member-${count}`)));
      else {
        if (type === "symlink" || type === "link") links.set(name, linkTarget(type, name, entry.header.linkname));
        entry.resume();
      }
    }
  } finally {
    packed.destroy();
  }
  for (const [name, target] of links) {
    const member = members.get(links.get(target) ?? target);
    if (member) members.set(name, member);
  }
  return members;
}

function memberName(path: string, name: string): string {
  const plain = posix.normalize(name).replace(/\/$/, "");
  if (plain.startsWith("/") || plain.startsWith("..") || name.includes("\0"))
    throw new AgentError(
      "IMAGE_ARCHIVE_INVALID",
      `${path}: member ${JSON.stringify(name.slice(0, 200))} leads out of the archive`,
    );
  return plain;
}

function linkTarget(type: "symlink" | "link", name: string, target: string): string {
  return posix.normalize(type === "link" ? target : posix.join(posix.dirname(name), target));
}

async function store(entry: TarStreamEntry, file: string): Promise<ArchiveMember> {
  const handle = await open(file, "wx", 0o600);
  try {
    let size = 0;
    for await (const chunk of entry) {
      if (!(chunk instanceof Uint8Array)) continue;
      for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done)).bytesWritten;
      size += chunk.length;
    }
    return { file, size };
  } finally {
    await handle.close();
  }
}

function archiveFailure(path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return new AgentError("IMAGE_ARCHIVE_INVALID", `${path} does not exist`);
  const known = fromUnknown(error);
  if (known.code !== "INTERNAL" || code === "EACCES") return known;
  return new AgentError("IMAGE_ARCHIVE_INVALID", `${path} is not a readable tar archive`, { cause: error });
}
