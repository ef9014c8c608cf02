// Locks between processes that the kernel gives back when their holder dies, kill -9 included.
//
// Node offers no fcntl locks, and lock files with a pid in them need a guess about who is still alive. An exclusive
// SQLite transaction on an empty file is a POSIX record lock taken by code that ships inside node, on Linux and
// illumos alike; nothing is ever written to the file (DECISIONS.md, "Locks").
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

export interface LockOptions {
  /** Give up after this many milliseconds. Default: wait until `signal` aborts. 0 tries once. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Share it with other sharers; only an exclusive holder is kept out. A steady stream of sharers may starve one. */
  readonly shared?: boolean;
  /** Called once when the lock turns out to be taken and we begin to wait. */
  readonly onWait?: () => void;
}

export interface Lock extends AsyncDisposable {
  /** Gives the lock back. Repeating it does nothing. */
  release(): void;
}

const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;

/**
 * Takes the lock on `path` (created if missing, never removed: removing a lock file races with its next
 * holder). Resolves to undefined when `timeoutMs` passed. Rejects with the signal's reason when aborted.
 * Two calls in one process exclude each other as two processes do.
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock | undefined> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const deadline = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
  let pause = 5;
  let told = false;
  for (;;) {
    options.signal?.throwIfAborted();
    const lock = tryLock(path, options.shared ?? false);
    if (lock) return lock;
    if (!told) {
      told = true;
      options.onWait?.();
    }
    const left = deadline - performance.now();
    if (left <= 0) return undefined;
    await sleep(Math.min(pause, left), undefined, options.signal ? { signal: options.signal } : {});
    pause = Math.min(pause * 2, 100);
  }
}

/** Runs `work` under the lock on `path`; waits without limit for it unless options say otherwise. */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: Omit<LockOptions, "timeoutMs"> = {},
): Promise<T> {
  const lock = await acquireLock(path, options);
  if (!lock) throw new Error("unreachable: a lock without timeout was not granted");
  try {
    return await work();
  } finally {
    lock.release();
  }
}

function tryLock(path: string, shared: boolean): Lock | undefined {
  // Asked for at run time: a static import would end an older node before it could say that it is too old.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = open();
  try {
    // A read transaction holds SQLite's SHARED lock until it ends.
    const begin = shared ? "BEGIN; SELECT count(*) FROM sqlite_master" : "BEGIN EXCLUSIVE";
    // Without the pragma an exclusive transaction makes a journal file beside the lock.
    database.exec(`PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; ${begin}`);
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  function open(): DatabaseSync {
    try {
      return new DatabaseSync(path);
    } catch (error) {
      // SQLite does not tell why; the system call does (EROFS, EACCES, EMFILE, …).
      if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_CANTOPEN)
        closeSync(openSync(path, "a", 0o600));
      throw error;
    }
  }

  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    database.close();
  };
  return {
    release,
    [Symbol.asyncDispose]: () => {
      release();
      return Promise.resolve();
    },
  };
}
