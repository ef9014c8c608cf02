// Reading a container's log: all of it or its last lines, then what comes, across rotation.
import { watch } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { currentLog, linesBackwards, linesFrom, logFiles } from "./files.ts";
import { parseLogLine, type LogStream } from "./record.ts";

export interface LogChunk {
  readonly stream: LogStream;
  readonly time: string;
  /** As the container wrote them; may end within a line or a character. */
  readonly bytes: Buffer;
}

export interface ReadLogOptions {
  /** Only the last so many lines of output (not records). Default: everything. */
  readonly tail?: number | undefined;
  /** Go on with what is written later. */
  readonly follow?: boolean;
  /**
   * Asked whenever the end of the file is reached while following: true when the container has ended, so that the
   * `close` record, or a second of silence on platforms without it, ends the log.
   */
  readonly ended?: () => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How long a finished container's log may lag: zoneadmd drains after it reports the halt (dockerinit.md 6.4). */
const GRACE_MS = 1_000;
const RECHECK_MS = 250;

/**
 * Yields the output recorded in `directory` (`<zonepath>/logs`). A log that does not exist yet is empty, or waited for
 * when following. Unreadable lines are skipped: a full quota leaves torn ones. Ends quietly when `signal` aborts.
 */
export async function* readLog(directory: string, options: ReadLogOptions = {}): AsyncGenerator<LogChunk> {
  const files = await logFiles(directory);
  const position = { inode: 0n, offset: 0, closed: false };
  const chunks = options.tail === undefined ? everything(files, position) : lastLines(files, options.tail, position);
  for await (const chunk of chunks) {
    if (options.signal?.aborted) return;
    yield chunk;
  }
  if (options.follow) yield* follow(directory, position, options);
}

interface Position {
  /** Inode of the current file; 0 before one exists. */
  inode: bigint;
  offset: number;
  /** The last mark seen was `close`: no one writes now. */
  closed: boolean;
}

async function* everything(files: readonly string[], position: Position): AsyncGenerator<LogChunk> {
  for (const path of files) {
    const file = await openIfThere(path);
    if (!file) continue;
    try {
      position.inode = (await file.stat({ bigint: true })).ino;
      yield* consume(file, position, 0);
    } finally {
      await file.close();
    }
  }
}

async function* consume(file: FileHandle, position: Position, from: number): AsyncGenerator<LogChunk> {
  const lines = linesFrom(file, from);
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      position.offset = next.value;
      return;
    }
    const line = parseLogLine(next.value);
    if (line.kind === "mark") position.closed = line.mark === "close";
    if (line.kind !== "output") continue;
    position.closed = false;
    yield { stream: line.stream, time: line.time, bytes: line.bytes };
  }
}

/** Collects records from the end until they hold `count` line ends more than the unfinished last line needs. */
async function* lastLines(files: readonly string[], count: number, position: Position): AsyncGenerator<LogChunk> {
  const last = files.at(-1);
  if (last !== undefined) {
    const file = await openIfThere(last);
    if (file) {
      try {
        const status = await file.stat({ bigint: true });
        position.inode = status.ino;
        position.offset = await endOfLastLine(file, Number(status.size));
      } finally {
        await file.close();
      }
    }
  }
  if (count <= 0) return;
  const kept: LogChunk[] = [];
  const needed = new Map<LogStream, number>();
  let lines = 0;
  let first = true;
  outer: for (const path of files.toReversed()) {
    // What is appended meanwhile belongs to the following part, which goes on from `position`.
    for await (const text of linesBackwards(path, path === last ? position.offset : undefined)) {
      const line = parseLogLine(text);
      if (line.kind === "mark" && first) position.closed = line.mark === "close";
      if (line.kind !== "unreadable") first = false;
      if (line.kind !== "output") continue;
      const { stream, time, bytes } = line;
      // An unterminated end of a stream is a line of its own.
      const unfinished = !needed.has(stream) && bytes.at(-1) !== 10 ? 1 : 0;
      needed.set(stream, 1);
      const ends = countNewlines(bytes);
      kept.unshift({ stream, time, bytes });
      lines += ends + unfinished;
      if (lines > count) break outer;
    }
  }
  yield* trimToLines(kept, lines - count);
}

/** Drops the first `surplus` lines of the chunks. A line is counted where it ends. */
function* trimToLines(chunks: readonly LogChunk[], surplus: number): Generator<LogChunk> {
  let left = surplus;
  for (const chunk of chunks) {
    let bytes = chunk.bytes;
    while (left > 0) {
      const newline = bytes.indexOf(10);
      if (newline < 0) {
        bytes = bytes.subarray(bytes.length);
        break;
      }
      bytes = bytes.subarray(newline + 1);
      left--;
    }
    if (bytes.length > 0) yield { ...chunk, bytes };
  }
}

async function* follow(directory: string, position: Position, options: ReadLogOptions): AsyncGenerator<LogChunk> {
  const path = currentLog(directory);
  using hint = changeHint(directory);
  let file = await openIfThere(path);
  let quietSince: number | undefined;
  try {
    if (file && (await file.stat({ bigint: true })).ino !== position.inode) position.offset = 0;
    while (!options.signal?.aborted) {
      const ended = options.ended?.() ?? false;
      const before = position.offset;
      if (file) {
        yield* consume(file, position, position.offset);
        const next = await successor(directory, file);
        if (next) {
          // Rotated: whatever was still written to the old file is read before the next one is begun.
          yield* consume(file, position, position.offset);
          await file.close();
          file = next;
          position.offset = 0;
          continue;
        }
      } else {
        file = await openIfThere(path);
        if (file) {
          position.offset = 0;
          continue;
        }
      }
      if (position.offset !== before) quietSince = undefined;
      if (ended) {
        if (position.closed) return;
        quietSince ??= performance.now();
        if (performance.now() - quietSince > GRACE_MS) return;
      }
      await hint.next(ended ? 20 : RECHECK_MS, options.signal);
    }
  } finally {
    await file?.close();
  }
}

/** The file that follows ours when it has been rotated away: several rotations may have happened since we looked. */
async function successor(directory: string, file: FileHandle): Promise<FileHandle | undefined> {
  const ours = (await file.stat({ bigint: true })).ino;
  const current = await inode(currentLog(directory));
  if (current === ours) return undefined;
  const files = await logFiles(directory);
  const inodes = await Promise.all(files.map(inode));
  const next = files[inodes.indexOf(ours) + 1];
  return next === undefined ? undefined : openIfThere(next);
}

async function inode(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch {
    return undefined;
  }
}

/** File events are a hint to look sooner; illumos may not deliver all of them, so there is a slow re-check, too. */
function changeHint(directory: string): Disposable & { next(ms: number, signal?: AbortSignal): Promise<void> } {
  let wake: (() => void) | undefined;
  let pending = false;
  const onChange = (): void => {
    pending = true;
    wake?.();
  };
  let watcher: ReturnType<typeof watch> | undefined;
  const arm = (): void => {
    if (watcher) return;
    try {
      watcher = watch(directory, onChange);
      watcher.on("error", () => undefined);
    } catch {
      watcher = undefined; // not there yet; the re-check finds it
    }
  };
  arm();
  return {
    async next(ms, signal) {
      arm();
      if (!pending) {
        const timer = new AbortController();
        const woken = new Promise<void>((resolve) => (wake = resolve));
        const stop = (): void => timer.abort();
        signal?.addEventListener("abort", stop, { once: true });
        await Promise.race([woken, sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined)]);
        signal?.removeEventListener("abort", stop);
        timer.abort();
        wake = undefined;
      }
      pending = false;
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(Math.min(size, 64 * 1024));
  await file.read(block, 0, block.length, size - block.length);
  const newline = block.lastIndexOf(10);
  return newline < 0 ? 0 : size - block.length + newline + 1;
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (const byte of bytes) if (byte === 10) count++;
  return count;
}
