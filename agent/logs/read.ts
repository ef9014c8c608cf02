// Reading a container's log: all of it or its last lines, then what comes, across rotation.
//
// zoneadmd renames the current file and opens a new one (dockerinit.md 6.4); it may do so at any moment, and the janitor
// may remove old files. So the file we are at is recognised by its identity, not its name, and is left for its successor
// only when it has been read to its end after the successor was there. Nothing is read twice and nothing is missed, but
// what was removed, or overwritten by a second rotation within a second, before we came to it.
import { watchDirectory } from "./change-hint.ts";
import { currentIdentity, listLogFiles, LogFileReader, type LogFile } from "./files.ts";
import type { LogEntry, LogStream, OutputRecord } from "./record.ts";
import { endOfLastLine, newBlock, scanBackward, scanForward, type Place } from "./scan.ts";
import { isWanted, TailFinder, type LogSelection } from "./select.ts";

export interface ReadLogOptions extends LogSelection {
  /** Only the last so many lines of output (not records). Default: everything. */
  readonly tail?: number | undefined;
  /** Go on with what is written later. */
  readonly follow?: boolean;
  /**
   * Asked whenever the end of the log is reached while following: true when the container has ended, so that the `close`
   * record, or a second of silence on platforms without it, ends the log. Told whether the log was closed at that point.
   */
  readonly ended?: (closed: boolean) => boolean | Promise<boolean>;
  /** Ends the reading quietly. */
  readonly signal?: AbortSignal | undefined;
}

export interface LogChunk {
  readonly stream: LogStream;
  /** Of the first record in it. */
  readonly time: string;
  /** As the container wrote them; may end within a line or a character. */
  readonly bytes: Buffer;
}

/** How long a finished container's log may lag: zoneadmd drains after it reports the halt (dockerinit.md 6.4). */
const GRACE_MS = 1_000;
const RECHECK_MS = 500;
const RECHECK_ENDED_MS = 20;

/**
 * Yields the output recorded in `directory` (`<zonepath>/logs`), records of one stream that follow each other joined.
 * A log that does not exist yet is empty, or waited for when following. Unreadable lines are skipped: a full quota
 * leaves torn ones. Reads on only as fast as it is consumed.
 */
export async function* readLog(directory: string, options: ReadLogOptions = {}): AsyncGenerator<LogChunk, void> {
  for await (const records of readRecords(directory, options)) yield* joined(records);
}

/** As `readLog`, record by record, in batches of what was read at once. */
export async function* readRecords(
  directory: string,
  options: ReadLogOptions = {},
): AsyncGenerator<readonly OutputRecord[]> {
  const log = await LogReader.open(directory, options);
  yield* log.history();
  if (options.follow === true) yield* log.follow();
}

/** Contiguous records of one stream as one chunk, without copying: `decodeLines` has laid them out one behind the other. */
function* joined(records: readonly OutputRecord[]): Generator<LogChunk> {
  let chunk: LogChunk | undefined;
  for (const { stream, time, bytes } of records) {
    if (chunk?.stream === stream && isBehind(chunk.bytes, bytes)) {
      const length = chunk.bytes.length + bytes.length;
      chunk = { ...chunk, bytes: Buffer.from(bytes.buffer, chunk.bytes.byteOffset, length) };
      continue;
    }
    if (chunk) yield chunk;
    chunk = bytes.length > 0 ? { stream, time, bytes } : undefined;
  }
  if (chunk) yield chunk;
}

function isBehind(first: Buffer, next: Buffer): boolean {
  return next.buffer === first.buffer && next.byteOffset === first.byteOffset + first.length;
}

class LogReader {
  readonly #directory: string;
  readonly #options: ReadLogOptions;
  /** Older files, in order. */
  readonly #older: readonly LogFile[];
  /** The newest file there was when the reading began, and since then the one we have come to. */
  #file: LogFileReader | undefined;
  readonly #place: Place = { offset: 0, overlong: false };
  /** Time of the last record seen, to find our way when the file we are at is not in the directory any more. */
  #lastTime = "";
  /** The last mark seen was `close`: nobody writes now. */
  #closed = false;

  private constructor(directory: string, options: ReadLogOptions, older: readonly LogFile[]) {
    this.#directory = directory;
    this.#options = options;
    this.#older = older;
  }

  static async open(directory: string, options: ReadLogOptions): Promise<LogReader> {
    const files = await listLogFiles(directory);
    const reader = new LogReader(directory, options, files.slice(0, -1));
    const newest = files.at(-1);
    if (newest !== undefined) reader.#at(newest);
    return reader;
  }

  /** What had been written when the reading began. */
  async *history(): AsyncGenerator<readonly OutputRecord[]> {
    const limit = await this.#file?.size();
    if (limit === undefined) return;
    const newest = this.#older.length;
    const { tail } = this.#options;
    if (tail !== undefined) {
      const finder = new TailFinder(tail);
      await this.#findTail(finder, limit);
      const begin = finder.earliest;
      if (begin === undefined || begin.file === newest) {
        // Without a line to show, the last ones were looked at all the same: follow from the end.
        this.#place.offset = begin?.at ?? limit;
        await this.#skipPartialLine(limit);
      }
      if (begin !== undefined)
        for await (const { entries, file } of this.#forward(begin, limit))
          yield* this.#output(entries, (record) => finder.cut(record, file));
      return;
    }
    for await (const { entries } of this.#forward({ file: this.#firstWanted(), at: 0 }, limit))
      yield* this.#output(entries);
  }

  async *follow(): AsyncGenerator<readonly OutputRecord[]> {
    using hint = watchDirectory(this.#directory);
    const { signal } = this.#options;
    const block = newBlock();
    let quietSince: number | undefined;
    while (!this.#isAborted()) {
      // Asked before looking: what was written before the end is then seen before we believe in it.
      const wasClosed = this.#closed;
      const ended = (await this.#options.ended?.(wasClosed)) ?? false;
      let moved = false;
      for await (const entries of this.#rest({ block })) {
        moved = true;
        yield* this.#output(entries);
      }
      if (this.#isAborted()) return;
      const next = await this.#successor();
      if (next) {
        for await (const entries of this.#rest({ block, final: true })) yield* this.#output(entries);
        this.#at(next);
        quietSince = undefined;
        continue;
      }
      if (!ended || moved) quietSince = undefined;
      if (ended) {
        quietSince ??= performance.now();
        if (this.#closed || performance.now() - quietSince > GRACE_MS) {
          for await (const entries of this.#rest({ block, final: true })) yield* this.#output(entries);
          return;
        }
      }
      // What has just been closed has probably ended.
      if (this.#closed && !wasClosed) continue;
      await hint.next(ended ? RECHECK_ENDED_MS : RECHECK_MS, signal);
    }
  }

  #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  #at(file: LogFile): void {
    this.#file = new LogFileReader(this.#directory, file);
    this.#place.offset = 0;
    this.#place.overlong = false;
  }

  /** Entries from where we are to the end of the file we are at. */
  async *#rest(how: {
    readonly block?: Buffer;
    readonly limit?: number;
    readonly final?: boolean;
  }): AsyncGenerator<LogEntry[]> {
    const file = this.#file;
    if (file === undefined) return;
    // Emptied by hand (`: > stdio.log`): what comes now is new.
    if (how.limit === undefined && ((await file.size()) ?? Infinity) < this.#place.offset) {
      this.#place.offset = 0;
      this.#place.overlong = false;
    }
    yield* scanForward(file, this.#place, { ...how, signal: this.#options.signal });
  }

  /** Entries of the older files and of ours, from the given place on. */
  async *#forward(
    begin: { readonly file: number; readonly at: number },
    limit: number,
  ): AsyncGenerator<{ readonly entries: LogEntry[]; readonly file: number }> {
    const { signal } = this.#options;
    for (let file = begin.file; file < this.#older.length && signal?.aborted !== true; file++) {
      const place = { offset: file === begin.file ? begin.at : 0, overlong: false };
      const older = this.#olderFile(file);
      if (older)
        for await (const entries of scanForward(older, place, { final: true, signal })) yield { entries, file };
    }
    const final = this.#options.follow !== true;
    for await (const entries of this.#rest({ limit, final })) yield { entries, file: this.#older.length };
  }

  #olderFile(index: number): LogFileReader | undefined {
    const listed = this.#older[index];
    return listed && new LogFileReader(this.#directory, listed);
  }

  async #findTail(finder: TailFinder, limit: number): Promise<void> {
    const { signal, since } = this.#options;
    let newest = true;
    for (let index = this.#older.length; index >= 0 && !finder.isDone(); index--) {
      const current = index === this.#older.length;
      const rotatedAt = this.#older[index]?.rotatedAt;
      if (since !== undefined && rotatedAt !== undefined && isBefore(rotatedAt, since)) return;
      const file = current ? this.#file : this.#olderFile(index);
      const end = current ? limit : await file?.size();
      if (!file || end === undefined) continue;
      for await (const entries of scanBackward(file, end, signal)) {
        const last = entries.at(-1);
        if (newest && last !== undefined) {
          newest = false;
          this.#note(last);
        }
        for (const entry of entries.toReversed())
          if (entry.kind === "output" && isWanted(this.#options, entry)) {
            finder.add(entry, index);
            if (finder.isDone()) break;
          }
        if (finder.isDone()) break;
      }
    }
  }

  /** Sets the place behind the last whole line before `limit` when it was put at `limit` itself. */
  async #skipPartialLine(limit: number): Promise<void> {
    if (this.#file === undefined || this.#place.offset !== limit || limit === 0) return;
    this.#place.offset = await endOfLastLine(this.#file, limit);
  }

  /** The first older file that can hold records of `since` or later. */
  #firstWanted(): number {
    const { since } = this.#options;
    if (since === undefined) return 0;
    const index = this.#older.findIndex(({ rotatedAt }) => rotatedAt === undefined || !isBefore(rotatedAt, since));
    return index < 0 ? this.#older.length : index;
  }

  *#output(
    entries: readonly LogEntry[],
    cut: (record: OutputRecord) => OutputRecord | undefined = (record) => record,
  ): Generator<readonly OutputRecord[]> {
    const last = entries.at(-1);
    if (last) this.#note(last);
    const wanted: OutputRecord[] = [];
    for (const entry of entries) {
      if (entry.kind !== "output" || !isWanted(this.#options, entry)) continue;
      const record = cut(entry);
      if (record) wanted.push(record);
    }
    if (wanted.length > 0) yield wanted;
  }

  #note(last: LogEntry): void {
    this.#closed = last.kind === "mark" && last.mark === "close";
    if (last.time > this.#lastTime) this.#lastTime = last.time;
  }

  /** The file that follows ours when it has been rotated away: several rotations may have happened since we looked. */
  async #successor(): Promise<LogFile | undefined> {
    // The usual answer, without looking at all the rotated ones.
    if (this.#file && (await currentIdentity(this.#directory)) === this.#file.identity) return undefined;
    return this.#after(await listLogFiles(this.#directory));
  }

  #after(files: readonly LogFile[]): LogFile | undefined {
    const here = this.#file?.identity;
    if (here === undefined) return files[0];
    const ours = files.findIndex(({ identity }) => identity === here);
    if (ours >= 0) return files[ours + 1];
    // Removed, or overwritten by a rotation in the same second: the first that has not ended before us.
    return files.find(({ rotatedAt }) => rotatedAt === undefined || !isBefore(rotatedAt, this.#lastTime));
  }
}

/** Whether a file that was rotated at `rotatedAt` can only hold records before `time`. */
function isBefore(rotatedAt: string, time: string): boolean {
  return rotatedAt < time.slice(0, rotatedAt.length);
}
