// Room for layers on their way: one directory per operation, gone afterwards. What a killed process left behind is
// found by its lock, which the kernel gave back. Layers that had arrived, whole or in part, are not thrown away with
// it: they move to `kept/`, from where the next pull that lacks them takes them.
//
//   pull-XXXXXX/owner.lock        held as long as the owner lives
//   pull-XXXXXX/<hex>.blob        a layer under way; any prefix of its bytes
//   kept/<hex>.blob               the same, without an owner; for a day, and only while the disk has room
//
// All moves between the two happen under the scratch lock.
import { lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { acquireLock } from "../util/lock.ts";
import type { Digest } from "../util/ids.ts";
import { freeBytes, RESERVE } from "./disk-space.ts";
import type { ImageLocks } from "./image-locks.ts";

export interface Scratch extends AsyncDisposable {
  readonly directory: string;
}

export interface ScratchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Layers the operation lacks: what an earlier one kept of them is moved here, as {@link blobPath}. */
  readonly lacking?: readonly Digest[];
  /** Layers that are installed: what is kept of them is of no use any more. */
  readonly settled?: readonly Digest[];
}

const PREFIX = "pull-";
const OWNER = "owner.lock";
const KEPT = "kept";
const BLOB = /^[0-9a-f]{64}\.blob$/;
const KEPT_FOR_MS = 24 * 3_600_000;

/** Where a layer under way lies in an operation's directory. */
export function blobPath(directory: string, digest: Digest): string {
  return join(directory, blobName(digest));
}

function blobName(digest: Digest): string {
  return `${digest.slice("sha256:".length)}.blob`;
}

/** Makes a directory (0700) below `parent` and removes it when disposed; blobs still in it are kept for the next one. */
export async function openScratch(
  parent: string,
  locks: ImageLocks,
  { signal, lacking = [], settled = [] }: ScratchOptions,
): Promise<Scratch> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await requireOwn(parent);
  // Without the guard, a sweeper could meet a directory between its making and its locking.
  const guard = await locks.scratch(signal === undefined ? {} : { signal });
  try {
    await sweep(parent);
    await forget(parent, settled);
    const directory = await mkdtemp(join(parent, PREFIX));
    const owner = await acquireLock(join(directory, OWNER), { timeoutMs: 0 });
    for (const digest of new Set(lacking)) await moveIfThere(join(parent, KEPT), blobName(digest), directory);
    await removeIfEmpty(join(parent, KEPT));
    return {
      directory,
      [Symbol.asyncDispose]: async () => {
        const closing = await locks.scratch({});
        try {
          await keepBlobs(parent, directory);
          // An imgadm we gave up on may remove its manifest at this very moment.
          await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
        } finally {
          owner?.release();
          closing?.release();
        }
      },
    };
  } finally {
    guard?.release();
  }
}

/** `/var/tmp` is writable for everybody: whoever was there first could exchange layers under our hands. */
async function requireOwn(directory: string): Promise<void> {
  const found = await lstat(directory);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return;
  throw new AgentError("HOST_UNSUPPORTED", `${directory} is not ours alone, so no layer is put there`, {
    hint: "look who made it, remove it and try again",
  });
}

/** Clears up what killed processes left below `parent`; nothing there is success. */
export async function sweepScratch(
  parent: string,
  locks: ImageLocks,
  { signal, settled = [] }: Omit<ScratchOptions, "lacking">,
): Promise<void> {
  if ((await namesIn(parent)).length === 0) return;
  const guard = await locks.scratch(signal === undefined ? {} : { signal });
  try {
    await sweep(parent);
    await forget(parent, settled);
    await removeIfEmpty(join(parent, KEPT));
  } finally {
    guard?.release();
  }
}

/** Layers without an owner and their bytes. Nothing there is an empty list. */
export async function keptBlobs(parent: string): Promise<readonly { readonly file: string; readonly size: number }[]> {
  const kept = join(parent, KEPT);
  const blobs = [];
  for (const name of await namesIn(kept)) {
    const file = join(kept, name);
    const size = await sizeOf(file);
    if (size !== undefined) blobs.push({ file, size });
  }
  return blobs;
}

/** Removes {@link keptBlobs}; returns the bytes given back. */
export async function dropKeptBlobs(
  parent: string,
  locks: ImageLocks,
  signal: AbortSignal | undefined,
): Promise<number> {
  const guard = await locks.scratch(signal === undefined ? {} : { signal });
  try {
    await sweep(parent);
    let bytes = 0;
    for (const { file, size } of await keptBlobs(parent)) {
      await rm(file, { force: true });
      bytes += size;
    }
    await removeIfEmpty(join(parent, KEPT));
    return bytes;
  } finally {
    guard?.release();
  }
}

async function sweep(parent: string): Promise<void> {
  for (const name of (await namesIn(parent)).filter((each) => each.startsWith(PREFIX))) {
    const directory = join(parent, name);
    const owner = await acquireLock(join(directory, OWNER), { timeoutMs: 0 });
    if (owner === undefined) continue;
    await keepBlobs(parent, directory);
    await rm(directory, { recursive: true, force: true });
    owner.release();
  }
  const kept = join(parent, KEPT);
  for (const name of await namesIn(kept)) {
    const found = await stat(join(kept, name));
    if (Date.now() - found.mtimeMs > KEPT_FOR_MS) await rm(join(kept, name), { force: true });
  }
  await removeIfEmpty(kept);
}

async function forget(parent: string, settled: readonly Digest[]): Promise<void> {
  for (const digest of settled) await rm(blobPath(join(parent, KEPT), digest), { force: true });
}

/** On a disk that is nearly full nothing is kept: the platform's logs live on the same dataset. */
async function keepBlobs(parent: string, directory: string): Promise<void> {
  const blobs = (await namesIn(directory)).filter((name) => BLOB.test(name));
  if (blobs.length === 0 || (await freeBytes(parent)) < RESERVE) return;
  const kept = join(parent, KEPT);
  await mkdir(kept, { recursive: true, mode: 0o700 });
  for (const name of blobs) {
    const size = (await sizeOf(join(directory, name))) ?? 0;
    if (size > ((await sizeOf(join(kept, name))) ?? 0)) await moveIfThere(directory, name, kept);
  }
  await removeIfEmpty(kept);
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function moveIfThere(from: string, name: string, to: string): Promise<void> {
  await rename(join(from, name), join(to, name)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

async function removeIfEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch((error: unknown) => {
    if (isMissing(error) || (error instanceof Error && "code" in error && error.code === "ENOTEMPTY")) return;
    throw error;
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
