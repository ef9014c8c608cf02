// Asks for room before it is used, and tells of a full disk with its place: "no space left" alone helps nobody.
import { statfs } from "node:fs/promises";
import { AgentError } from "../errors/agent-error.ts";
import { formatBytes, MIB } from "../util/units.ts";

/** Bytes kept free whatever happens: the platform's logs live on the same dataset. */
export const RESERVE = 64 * MIB;

/** Bytes free for us in the file system of `directory`; Infinity where it is not there or gives no numbers. */
export async function freeBytes(directory: string): Promise<number> {
  try {
    const { blocks, bavail, bsize } = await statfs(directory);
    return blocks === 0 ? Infinity : bavail * bsize;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Infinity;
    throw error;
  }
}

/** Throws DISK_FULL when `bytes` more do not fit into the file system of `directory` beside the reserve. */
export async function requireSpace(directory: string, bytes: number, what: string): Promise<void> {
  const free = await freeBytes(directory);
  if (free >= bytes + RESERVE) return;
  throw new AgentError(
    "DISK_FULL",
    `${what} needs ${formatBytes(bytes)} in ${directory}, ${formatBytes(free)} are free`,
    {
      hint: `${formatBytes(RESERVE)} are kept free besides; \`zonelet image prune -a\` removes images nothing runs of`,
      details: { directory, needed: bytes, free },
    },
  );
}

/** A write error below `directory` as DISK_FULL with the place, if that is what it is; else the error itself. */
export async function tellFullDisk(error: unknown, directory: string, what: string): Promise<unknown> {
  if (!(error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT")))
    return error;
  const free = await freeBytes(directory).catch(() => 0);
  return new AgentError("DISK_FULL", `${what}: ${directory} is full, ${formatBytes(free)} are free`, {
    cause: error,
    hint: "make room there and try again; `zonelet system df` shows what images and containers take",
    details: { directory, free },
  });
}
