// Room for layers on their way: one directory per operation, gone afterwards. What a killed process left behind is
// found by its lock, which the kernel gave back, and removed by the next one.
import { lstat, mkdir, mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { acquireLock } from "../util/lock.ts";
import { formatBytes, MIB } from "../util/units.ts";
import type { ImageLocks } from "./image-locks.ts";

export interface Scratch extends AsyncDisposable {
  readonly directory: string;
}

const PREFIX = "pull-";
const OWNER = "owner.lock";
/** Kept free whatever happens: the platform's logs live on the same dataset. */
const RESERVE = 64 * MIB;

/** Makes a directory (0700) below `parent` and removes it with all content when disposed. */
export async function openScratch(
  parent: string,
  locks: ImageLocks,
  signal: AbortSignal | undefined,
): Promise<Scratch> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await requireOwn(parent);
  // Without the guard, a sweeper could meet a directory between its making and its locking.
  const guard = await locks.scratch(signal === undefined ? {} : { signal });
  try {
    await sweep(parent);
    const directory = await mkdtemp(join(parent, PREFIX));
    const owner = await acquireLock(join(directory, OWNER), { timeoutMs: 0 });
    return {
      directory,
      [Symbol.asyncDispose]: async () => {
        // An imgadm we gave up on may remove its manifest at this very moment.
        await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
        owner?.release();
      },
    };
  } finally {
    guard?.release();
  }
}

/** `/var/tmp` is writable for everybody: whoever was there first could exchange layers under our hands. */
async function requireOwn(directory: string): Promise<void> {
  const stat = await lstat(directory);
  if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0) return;
  throw new AgentError("HOST_UNSUPPORTED", `${directory} is not ours alone, so no layer is put there`, {
    hint: "look who made it, remove it and try again",
  });
}

/** Removes what killed processes left below `parent`; nothing there is success. */
export async function sweepScratch(parent: string, locks: ImageLocks, signal: AbortSignal | undefined): Promise<void> {
  if ((await leftOvers(parent)).length === 0) return;
  const guard = await locks.scratch(signal === undefined ? {} : { signal });
  try {
    await sweep(parent);
  } finally {
    guard?.release();
  }
}

async function leftOvers(parent: string): Promise<readonly string[]> {
  try {
    return (await readdir(parent)).filter((name) => name.startsWith(PREFIX));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

async function sweep(parent: string): Promise<void> {
  for (const name of await leftOvers(parent)) {
    const directory = join(parent, name);
    const owner = await acquireLock(join(directory, OWNER), { timeoutMs: 0 });
    if (owner === undefined) continue;
    await rm(directory, { recursive: true, force: true });
    owner.release();
  }
}

/** Throws DISK_FULL when `bytes` more do not fit beside the reserve. A file system without numbers passes. */
export async function checkSpace(directory: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free === 0 || free >= bytes + RESERVE) return;
  throw new AgentError(
    "DISK_FULL",
    `${what} needs ${formatBytes(bytes)} in ${directory}, ${formatBytes(free)} are free`,
    {
      hint: `${formatBytes(RESERVE)} are kept free besides`,
    },
  );
}
