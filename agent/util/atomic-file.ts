import { open, mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { randomBytes } from "node:crypto";

export interface AtomicWriteOptions {
  /** Permission bits of the new file. Default 0600: what we write may name secrets. */
  readonly mode?: number;
  /** Flush file and directory to disk before returning. Default true; false is enough to survive our own death. */
  readonly sync?: boolean;
}

/**
 * Replaces `path` with `content`: written aside, flushed, renamed, directory flushed. A reader sees the old or the new
 * content, never a part. Creates missing parent directories (0700). On an error the old file is untouched and the
 * temporary file is gone.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const { mode = 0o600, sync = true } = options;
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
  try {
    const file = await open(aside, "wx", mode);
    try {
      await file.writeFile(content);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  if (sync) await syncDirectory(directory);
}

/** Makes renames and removals in `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
