import { randomBytes } from "node:crypto";
import { closeSync, createWriteStream, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";

/** A file without a name that takes a child's output; it is gone when the last of child and reader has closed it. */
export interface Spool {
  /** Carries the descriptor to the child; nothing is written through it. */
  readonly stream: Writable;
  readonly size: number;
  /** The last `limit` bytes as text. */
  read(limit: number): string;
  close(): void;
}

export function openSpool(): Spool {
  const path = join(tmpdir(), `.zonelet-${process.pid}-${randomBytes(8).toString("hex")}`);
  // Appending, because stdout and stderr of a shell script may be the same descriptor.
  const fd = openSync(path, "ax+", 0o600);
  unlinkSync(path);
  const size = (): number => fstatSync(fd).size;
  return {
    stream: createWriteStream(path, { fd, autoClose: false }),
    get size() {
      return size();
    },
    read(limit) {
      const end = size();
      const start = Math.max(0, end - limit);
      const bytes = Buffer.alloc(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const got = readSync(fd, bytes, filled, bytes.length - filled, start + filled);
        if (got === 0) break;
        filled += got;
      }
      return bytes.subarray(0, filled).toString("utf8");
    },
    close: () => closeSync(fd),
  };
}
