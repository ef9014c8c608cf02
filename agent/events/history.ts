// Events on disk: a bounded, numbered log that every process on the node may append to and follow.
//
// Segments of JSON lines, named after the number of their first event. Appending happens under a kernel lock, so that
// numbers rise without a gap whoever writes; reading takes no lock. A line is complete when its newline is there: what a
// killed writer left of one is cut off by the next.
import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { inlineChain } from "../errors/chain.ts";
import type { Logger } from "../log/logger.ts";
import { writeFileAtomic } from "../util/atomic-file.ts";
import { acquireLock } from "../util/lock.ts";
import { envelopeSchema, type Envelope, type EventDraft } from "./envelope.ts";

export interface HistoryLimits {
  /** Bytes after which a segment is full. */
  readonly segmentBytes: number;
  /** Full segments that are kept beside the one being written. */
  readonly segments: number;
}

/** About 16 MiB, some 30,000 events. */
const LIMITS: HistoryLimits = { segmentBytes: 1024 * 1024, segments: 15 };

export interface History {
  /** Identity of this history: another one means that the numbers began anew. */
  instance(): Promise<string>;
  /** Numbers the events and writes them in one piece. Not flushed: it survives our death, not the machine's. */
  append(drafts: readonly EventDraft[]): Promise<readonly Envelope[]>;
  /** Numbers of the oldest event kept and of the newest; `newest` is 0 when there never was one. */
  range(): Promise<{ readonly oldest: number; readonly newest: number }>;
  /** Events from a number on, to what is the end now. Those that are not kept any more are missing at the beginning. */
  read(from: number): AsyncIterable<Envelope>;
  readonly directory: string;
}

const SEGMENT = /^(\d{12})\.ndjson$/;

export function createHistory(directory: string, lockPath: string, log: Logger, limits = LIMITS): History {
  async function segments(): Promise<readonly number[]> {
    let names: string[];
    try {
      names = await readdir(directory);
    } catch {
      return [];
    }
    return names
      .flatMap((name) => {
        const first = SEGMENT.exec(name)?.[1];
        return first === undefined ? [] : [Number(first)];
      })
      .toSorted((a, b) => a - b);
  }

  const pathOf = (first: number): string => join(directory, `${String(first).padStart(12, "0")}.ndjson`);

  async function append(drafts: readonly EventDraft[]): Promise<readonly Envelope[]> {
    if (drafts.length === 0) return [];
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = await acquireLock(lockPath);
    if (!lock) throw new Error("unreachable: a lock without timeout was not granted");
    try {
      const known = await segments();
      const last = known.at(-1);
      const end = last === undefined ? { newest: 0, size: 0 } : endOf(pathOf(last), last);
      const fresh = last === undefined || end.size >= limits.segmentBytes;
      const envelopes = drafts.map((draft, i) => ({ seq: end.newest + 1 + i, ...draft }));
      const text = envelopes.map((envelope) => `${JSON.stringify(envelope)}\n`).join("");
      appendAt(pathOf(fresh ? end.newest + 1 : last), fresh ? 0 : end.size, text);
      if (fresh) await prune(known);
      return envelopes;
    } finally {
      lock.release();
    }
  }

  async function prune(known: readonly number[]): Promise<void> {
    for (const first of known.slice(0, Math.max(0, known.length - limits.segments))) {
      await rm(pathOf(first), { force: true });
    }
  }

  async function* read(from: number): AsyncGenerator<Envelope> {
    const known = await segments();
    const start = known.findLastIndex((first) => first <= from);
    for (const first of known.slice(Math.max(0, start))) {
      yield* readSegment(pathOf(first), from);
    }
  }

  /** A segment is small enough to be read whole. Up to the last newline: a line that is being written is not read in half. */
  async function* readSegment(path: string, from: number): AsyncGenerator<Envelope> {
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch {
      return; // pruned meanwhile
    }
    for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
      const envelope = line === "" ? undefined : parse(line, path);
      if (envelope && envelope.seq >= from) yield envelope;
    }
  }

  function parse(line: string, path: string): Envelope | undefined {
    try {
      return envelopeSchema.parse(JSON.parse(line));
    } catch (error) {
      log.warn({ path, reason: inlineChain(error) }, "unreadable event passed over");
      return undefined;
    }
  }

  return {
    directory,
    append,
    read,
    instance: async () => {
      const path = join(directory, "instance");
      try {
        return (await readFile(path, "utf8")).trim();
      } catch {
        const lock = await acquireLock(`${lockPath}-instance`);
        try {
          return (await readFile(path, "utf8")).trim();
        } catch {
          const made = randomUUID();
          await writeFileAtomic(path, `${made}\n`);
          return made;
        } finally {
          lock?.release();
        }
      }
    },
    range: async () => {
      const known = await segments();
      const [oldest, last] = [known[0], known.at(-1)];
      if (oldest === undefined || last === undefined) return { oldest: 1, newest: 0 };
      return { oldest, newest: endOf(pathOf(last), last).newest };
    },
  };
}

interface SegmentEnd {
  readonly newest: number;
  /** Bytes up to the end of the last complete line. */
  readonly size: number;
}

/** Writes behind the last complete line: what a killed writer left of another is cut off. The caller holds the lock. */
function appendAt(path: string, size: number, text: string): void {
  const fd = openSync(path, "a+", 0o600);
  try {
    if (fstatSync(fd).size > size) ftruncateSync(fd, size);
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
  } finally {
    closeSync(fd);
  }
}

const TAIL = 64 * 1024;

/** Where a segment ends, read from its tail. `first` is the number in its name. */
function endOf(path: string, first: number): SegmentEnd {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (let want = TAIL; ; want *= 2) {
      const length = Math.min(size, want);
      const buffer = Buffer.alloc(length);
      const tail = buffer.subarray(0, readSync(fd, buffer, 0, length, size - length));
      const end = tail.lastIndexOf(0x0a);
      const begin = end <= 0 ? -1 : tail.lastIndexOf(0x0a, end - 1);
      if (end >= 0 && (begin >= 0 || length === size))
        return { newest: numberOf(tail.toString("utf8", begin + 1, end)), size: size - length + end + 1 };
      if (length === size) return { newest: first - 1, size: 0 };
    }
  } finally {
    closeSync(fd);
  }
}

function numberOf(line: string): number {
  const value: unknown = JSON.parse(line);
  const seq = typeof value === "object" && value !== null && "seq" in value ? value.seq : undefined;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq)) throw new Error("the last event has no number");
  return seq;
}
