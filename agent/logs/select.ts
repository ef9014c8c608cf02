// Which records of a log are wanted: by stream, by time, and the last so many lines.
import type { LogStream, OutputRecord } from "./record.ts";

export interface LogSelection {
  /** Only this stream. */
  readonly stream?: LogStream | undefined;
  /** Only records of this time or later; from `parseLogTime`. */
  readonly since?: string | undefined;
  /** Only records before this time. */
  readonly until?: string | undefined;
}

/** Times compare as texts; a record with none of a known form is always wanted. */
export function isWanted({ stream, since, until }: LogSelection, record: OutputRecord): boolean {
  if (stream !== undefined && record.stream !== stream) return false;
  if (since === undefined && until === undefined) return true;
  if (!/^\d{4}-.{24}Z$/.test(record.time)) return true;
  return (since === undefined || record.time >= since) && (until === undefined || record.time < until);
}

/** Where the last lines of a stream begin. */
interface StreamStart {
  /** Position of the file among those of the log. */
  readonly file: number;
  readonly at: number;
  /** Bytes of that record to leave out. */
  readonly skip: number;
}

/** How far back, in bytes of output, the beginning of a line is looked for once enough lines are found. */
const LOOK_BACK = 1024 * 1024;

interface StreamState {
  start: StreamStart | undefined;
  /** The end of a wanted line has been seen and its beginning has not. */
  open: boolean;
}

/**
 * Finds the last `count` lines of a log that is shown to it backwards. A line belongs to one stream and ends with a
 * newline; what follows a stream's last newline is a line, too. Lines are ordered by their ends, and are wanted whole:
 * with two streams each has its own beginning.
 */
export class TailFinder {
  readonly #count: number;
  readonly #streams = new Map<LogStream, StreamState>();
  #lines = 0;
  #lookedBack = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** True when nothing older is needed. */
  isDone(): boolean {
    if (this.#lines < this.#count) return false;
    return this.#lookedBack > LOOK_BACK || ![...this.#streams.values()].some(({ open }) => open);
  }

  /** The next older wanted record. */
  add(record: OutputRecord, file: number): void {
    const { stream, bytes, at } = record;
    if (bytes.length === 0) return;
    if (this.#lines >= this.#count) this.#lookedBack += bytes.length;
    let state = this.#streams.get(stream);
    if (!state) {
      state = { start: undefined, open: false };
      this.#streams.set(stream, state);
      // An unfinished last line.
      if (bytes.at(-1) !== 10 && this.#lines < this.#count) {
        this.#lines++;
        state.open = true;
      }
    }
    for (let end = bytes.length; end > 0;) {
      const newline = bytes.lastIndexOf(10, end - 1);
      if (newline < 0) break;
      if (state.open) state.start = { file, at, skip: newline + 1 };
      state.open = this.#lines < this.#count;
      if (!state.open) return;
      this.#lines++;
      end = newline;
    }
    if (state.open) state.start = { file, at, skip: 0 };
  }

  /** The wanted part of a record; undefined when it is older than the last lines. */
  cut(record: OutputRecord, file: number): OutputRecord | undefined {
    const start = this.#streams.get(record.stream)?.start;
    if (start === undefined || file < start.file || (file === start.file && record.at < start.at)) return undefined;
    if (file > start.file || record.at > start.at || start.skip === 0) return record;
    return start.skip < record.bytes.length ? { ...record, bytes: record.bytes.subarray(start.skip) } : undefined;
  }

  /** Where reading forward has to begin; undefined when there is no line at all. */
  get earliest(): { readonly file: number; readonly at: number } | undefined {
    const starts = [...this.#streams.values()].flatMap(({ start }) => start ?? []);
    return starts.toSorted((a, b) => a.file - b.file || a.at - b.at)[0];
  }
}
