// The files a container's log consists of: rotated ones in order, then the current one.
import { open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

const CURRENT = "stdio.log";
/** `stdio.log.20240514T110244Z`: names sort by time (dockerinit.md 6.4). */
const ROTATED = /^stdio\.log\.\d{8}T\d{6}Z$/;

/** Names of the log files in `directory`, oldest first; empty when there is none yet. */
export async function logFiles(directory: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const rotated = names.filter((name) => ROTATED.test(name)).sort();
  return [...rotated, ...(names.includes(CURRENT) ? [CURRENT] : [])].map((name) => join(directory, name));
}

export function currentLog(directory: string): string {
  return join(directory, CURRENT);
}

const BLOCK = 64 * 1024;

/** Complete lines of an open file from `position` on; returns where the first incomplete line begins. */
export async function* linesFrom(file: FileHandle, position: number): AsyncGenerator<string, number> {
  let offset = position;
  let rest = Buffer.alloc(0);
  const block = Buffer.alloc(BLOCK);
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK, offset + rest.length);
    if (bytesRead === 0) return offset;
    let data = Buffer.concat([rest, block.subarray(0, bytesRead)]);
    for (let newline = data.indexOf(10); newline >= 0; newline = data.indexOf(10)) {
      yield data.toString("utf8", 0, newline);
      data = data.subarray(newline + 1);
      offset += newline + 1;
    }
    rest = Buffer.from(data);
  }
}

/**
 * Lines of a file from `limit` (default: its end) backwards, an unterminated last line left out. Reads no more than is
 * consumed.
 */
export async function* linesBackwards(path: string, limit?: number): AsyncGenerator<string> {
  const file = await open(path, "r");
  try {
    let end = limit ?? (await file.stat()).size;
    let tail = Buffer.alloc(0);
    let terminated = false;
    while (end > 0) {
      const start = Math.max(0, end - BLOCK);
      const block = Buffer.alloc(end - start);
      await file.read(block, 0, block.length, start);
      let data = Buffer.concat([block, tail]);
      if (!terminated) {
        const last = data.lastIndexOf(10);
        if (last < 0) {
          tail = data;
          end = start;
          continue;
        }
        data = data.subarray(0, last);
        terminated = true;
      }
      for (let newline = data.lastIndexOf(10); newline >= 0; newline = data.lastIndexOf(10)) {
        yield data.toString("utf8", newline + 1);
        data = data.subarray(0, newline);
      }
      tail = Buffer.from(data);
      end = start;
    }
    if (terminated) yield tail.toString("utf8");
  } finally {
    await file.close();
  }
}
