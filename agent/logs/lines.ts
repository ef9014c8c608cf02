// Records as people read them: with something in front of each line. A record is no line, so it is kept for each stream
// whether it is within one.
import type { LogStream, OutputRecord } from "./record.ts";

export interface LinePiece {
  readonly stream: LogStream;
  readonly bytes: Buffer;
}

/** What stands before a line that began with this record. */
export type LinePrefix = (record: OutputRecord) => string;

const NEWLINE = 10;

/** Puts `prefix` before each line as it begins. Holds nothing back: a line without its end is shown as far as it goes. */
export class PrefixedLines {
  readonly #prefix: LinePrefix;
  readonly #within = new Set<LogStream>();

  constructor(prefix: LinePrefix) {
    this.#prefix = prefix;
  }

  add(record: OutputRecord): LinePiece[] {
    const { stream, bytes } = record;
    if (bytes.length === 0) return [];
    const prefix = Buffer.from(this.#prefix(record));
    const parts: Buffer[] = [];
    for (let from = 0; from < bytes.length;) {
      if (!this.#within.has(stream)) parts.push(prefix);
      const newline = bytes.indexOf(NEWLINE, from);
      const to = newline < 0 ? bytes.length : newline + 1;
      parts.push(bytes.subarray(from, to));
      if (newline < 0) this.#within.add(stream);
      else this.#within.delete(stream);
      from = to;
    }
    return [{ stream, bytes: Buffer.concat(parts) }];
  }
}

/** A longer line is cut: a program that never ends its line must not fill our memory. */
const MAX_LINE = 64 * 1024;

/** Whole lines only, each with its prefix: for the logs of several containers on one output. */
export class WholeLines {
  readonly #prefix: LinePrefix;
  readonly #held = new Map<LogStream, { readonly first: OutputRecord; readonly parts: Buffer[]; length: number }>();

  constructor(prefix: LinePrefix) {
    this.#prefix = prefix;
  }

  add(record: OutputRecord): LinePiece[] {
    const { stream, bytes } = record;
    const pieces: Buffer[] = [];
    for (let from = 0; from < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, from);
      const to = newline < 0 ? bytes.length : newline + 1;
      const held = this.#held.get(stream) ?? { first: record, parts: [], length: 0 };
      held.parts.push(bytes.subarray(from, to));
      held.length += to - from;
      this.#held.set(stream, held);
      if (newline >= 0 || held.length >= MAX_LINE) pieces.push(...this.#take(stream, newline < 0));
      from = to;
    }
    return pieces.length === 0 ? [] : [{ stream, bytes: Buffer.concat(pieces) }];
  }

  /** What is left of lines that never ended. */
  end(): LinePiece[] {
    return [...this.#held.keys()].map((stream) => ({ stream, bytes: Buffer.concat(this.#take(stream, true)) }));
  }

  #take(stream: LogStream, unfinished: boolean): Buffer[] {
    const held = this.#held.get(stream);
    if (!held) return [];
    this.#held.delete(stream);
    return [Buffer.from(this.#prefix(held.first)), ...held.parts, ...(unfinished ? [Buffer.from("\n")] : [])];
  }
}
