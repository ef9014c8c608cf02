// Entries of one log file, forwards and backwards, a block at a time: no more is in memory than a block and what
// the consumer has not yet taken.
import type { LogFileReader } from "./files.ts";
import { decodeLines, type LogEntry } from "./record.ts";

/**
 * Bytes read at once, and the longest line that is looked at. zoneadmd's are below 7 KiB; a longer one is none of its
 * records, and is passed over.
 */
const BLOCK = 256 * 1024;

export function newBlock(): Buffer {
  return Buffer.allocUnsafeSlow(BLOCK);
}

/** How far a file has been read. */
export interface Place {
  /** Where the first line not yet consumed begins; within an overlong line, where reading it goes on. */
  offset: number;
  /** The line at `offset` is the rest of an overlong one. */
  overlong: boolean;
}

/**
 * Entries from `place` to the end of the file or `limit`; `place` moves along with what is yielded. An unterminated last
 * line waits for its end, unless `final`.
 */
export async function* scanForward(
  file: LogFileReader,
  place: Place,
  options: {
    readonly limit?: number | undefined;
    readonly final?: boolean;
    readonly signal?: AbortSignal | undefined;
    /** From `newBlock`, for a caller that scans again and again. */
    readonly block?: Buffer;
  },
): AsyncGenerator<LogEntry[]> {
  const block = options.block ?? newBlock();
  const limit = options.limit ?? Infinity;
  for (;;) {
    const wanted = Math.min(BLOCK, limit - place.offset);
    const filled = wanted <= 0 || options.signal?.aborted === true ? 0 : await file.read(block, wanted, place.offset);
    if (filled === 0) return;
    let from = 0;
    if (place.overlong) {
      const newline = block.subarray(0, filled).indexOf(10);
      from = newline < 0 ? filled : newline + 1;
      place.overlong = newline < 0;
    }
    const atEnd = filled < BLOCK;
    let to = block.subarray(from, filled).lastIndexOf(10) + 1 + from;
    if (to === from && from === 0 && !atEnd) {
      place.overlong = true;
      to = from = filled;
    }
    if (atEnd && options.final === true && !place.overlong) to = filled;
    const entries = from < to ? decodeLines(block, from, to, place.offset + from) : [];
    place.offset += to;
    if (entries.length > 0) yield entries;
    if (atEnd) return;
  }
}

/** Entries before `limit`, blocks of them from the end of the file to its beginning, each block's in their order. */
export async function* scanBackward(
  file: LogFileReader,
  limit: number,
  signal?: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  const block = newBlock();
  let end = limit;
  // Only the very last line may be without its end; it counts where it is complete all the same.
  let last = true;
  while (end > 0 && signal?.aborted !== true) {
    const start = Math.max(0, end - BLOCK);
    const filled = await file.read(block, end - start, start);
    const data = block.subarray(0, filled);
    const newline = data.indexOf(10);
    const first = start === 0 ? 0 : newline < 0 ? filled : newline + 1;
    const to = last ? filled : data.lastIndexOf(10) + 1;
    last = false;
    if (first < to) yield decodeLines(data, first, to, start + first);
    // The line that begins before this block is read again as a whole, unless it alone is longer than a block.
    end = start + (first < filled ? first : 0);
  }
}

/** Where the last line begins that is not complete at `limit`; `limit` itself if it is longer than a block. */
export async function endOfLastLine(file: LogFileReader, limit: number): Promise<number> {
  const start = Math.max(0, limit - BLOCK);
  const block = newBlock();
  const filled = await file.read(block, limit - start, start);
  const newline = block.subarray(0, filled).lastIndexOf(10);
  return newline >= 0 ? start + newline + 1 : start === 0 ? 0 : limit;
}
