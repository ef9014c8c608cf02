// A log file of zoneadmd: appended, rotated by size, reopened on SIGHUP (dockerinit.md 6.2 to 6.4).
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { escapeChunk, formatData, formatEvent, READ_SIZE, rotationStamp, type RecordOrigin } from "./stdio-record.ts";

export interface StdioLogOptions {
  readonly origin: RecordOrigin;
  /** Bytes; undefined or 0: never rotated. Values below the minimum are raised (`effectiveLimit`). */
  readonly maxSize?: number | undefined;
  /** Milliseconds since the epoch, with fractions. */
  readonly now?: () => number;
}

const MIN_LIMIT = 1024 * 1024;

export function effectiveLimit(maxSize: number | undefined): number {
  return maxSize === undefined || maxSize === 0 ? 0 : Math.max(maxSize, MIN_LIMIT);
}

/**
 * Everything is written before a call returns: a slow disk holds back the reader, and so the app. Write errors lose
 * records silently, as they do on the platform.
 */
export class StdioLog {
  readonly #path: string;
  readonly #origin: RecordOrigin;
  readonly #limit: number;
  readonly #now: () => number;
  #fd: number | undefined;

  /** Opens (creating file and directory, 0600 and 0700) and writes the `open` record. */
  constructor(path: string, options: StdioLogOptions) {
    this.#path = path;
    this.#origin = options.origin;
    this.#limit = effectiveLimit(options.maxSize);
    this.#now = options.now ?? wallClock;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    chmodSync(dirname(path), 0o700);
    this.#fd = openLog(path);
    this.#append(formatEvent(this.#origin, this.#now(), "open"));
  }

  /** Logs `chunk` in records of one read each. */
  write(stream: "stdout" | "stderr" | "zoneadmd", chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += READ_SIZE)
      for (const text of escapeChunk(chunk.subarray(at, at + READ_SIZE))) {
        this.#append(formatData(this.#origin, this.#now(), stream, text));
        if (this.#limit > 0 && this.#size() > this.#limit) this.rotate();
      }
  }

  /** SIGUSR1: what is there becomes `<file>.<stamp>`; an earlier rotation in the same second is overwritten. */
  rotate(): void {
    this.#reopen(() => renameSync(this.#path, `${this.#path}.${rotationStamp(this.#now())}`));
  }

  /** SIGHUP: somebody else has renamed the file. */
  reopen(): void {
    this.#reopen(() => undefined);
  }

  /** Writes the `close` record. Repeating it does nothing. */
  close(): void {
    if (this.#fd === undefined) return;
    this.#append(formatEvent(this.#origin, this.#now(), "close"));
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #reopen(rename: () => void): void {
    if (this.#fd === undefined) return;
    try {
      rename();
    } catch {
      return; // The file goes on growing: better than losing it.
    }
    this.#append(formatEvent(this.#origin, this.#now(), "close-rotate"));
    closeSync(this.#fd);
    this.#fd = openLog(this.#path);
    this.#append(formatEvent(this.#origin, this.#now(), "open-rotate"));
  }

  #size(): number {
    return this.#fd === undefined ? 0 : fstatSync(this.#fd).size;
  }

  #append(record: string): void {
    if (this.#fd === undefined) return;
    try {
      writeSync(this.#fd, record, null, "latin1");
    } catch {
      // Disk or quota full: the record is lost (dockerinit.md 6.2).
    }
  }
}

function openLog(path: string): number {
  return openSync(path, "a", 0o600);
}

function wallClock(): number {
  return performance.timeOrigin + performance.now();
}
