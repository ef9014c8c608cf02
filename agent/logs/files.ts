// The files a container's log consists of: rotated ones in order, then the current one (dockerinit.md 6.4). Only regular
// files with one name are opened: whatever else lies there was not put there by zoneadmd.
import { constants, type BigIntStats } from "node:fs";
import { lstat, open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

const CURRENT_LOG = "stdio.log";
/** `stdio.log.20240514T110244Z`: names sort by time. */
const ROTATED = /^stdio\.log\.(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

export interface LogFile {
  readonly path: string;
  readonly name: string;
  /** Which file it is, whatever its name becomes. */
  readonly identity: string;
  readonly bytes: number;
  /** When it was rotated away, in the form of records' times without a fraction; undefined for the current file. */
  readonly rotatedAt?: string;
}

/**
 * The log files in `directory`, oldest first, the current one last; empty when there is none (yet, or any more). One
 * moment's picture: looked at again where a rotation came between.
 */
export async function listLogFiles(directory: string): Promise<LogFile[]> {
  for (;;) {
    const before = await currentIdentity(directory);
    const files = await look(directory);
    if ((await currentIdentity(directory)) === before) return files;
  }
}

/** Identity of the current file; undefined while there is none. */
export async function currentIdentity(directory: string): Promise<string | undefined> {
  const status = await statusOf(join(directory, CURRENT_LOG));
  return status && identityOf(status);
}

async function look(directory: string): Promise<LogFile[]> {
  let names: string[];
  try {
    // A directory below which the names are ours: a link in its place would lead elsewhere.
    if (!(await lstat(directory)).isDirectory()) return [];
    names = await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const found: LogFile[] = [];
  for (const name of [...names.filter((one) => ROTATED.test(one)).sort(), CURRENT_LOG]) {
    const path = join(directory, name);
    const status = await statusOf(path);
    if (status?.isFile() !== true || status.nlink !== 1n) continue;
    const stamp = ROTATED.exec(name);
    found.push({
      path,
      name,
      identity: identityOf(status),
      bytes: Number(status.size),
      ...(stamp ? { rotatedAt: `${stamp.slice(1, 4).join("-")}T${stamp.slice(4).join(":")}` } : {}),
    });
  }
  return found;
}

async function statusOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Bytes of a container's log on disk, rotated files included; 0 when there is none. For `system df`. */
export async function logBytes(directory: string): Promise<number> {
  const files = await listLogFiles(directory);
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * One file of a log, found again by its identity when it has been renamed. It is open only while a block is read: an
 * open file keeps a zone's dataset from being unmounted, and a pager that nobody scrolls must not keep a zone from being
 * deleted.
 */
export class LogFileReader {
  readonly identity: string;
  readonly #directory: string;
  #path: string;

  constructor(directory: string, file: LogFile) {
    this.#directory = directory;
    this.#path = file.path;
    this.identity = file.identity;
  }

  /** Fills `block[0, wanted)` from `position` on and returns how much; less only at the end, 0 when the file is gone. */
  async read(block: Buffer, wanted: number, position: number): Promise<number> {
    const file = await this.#open();
    if (!file) return 0;
    try {
      let filled = 0;
      while (filled < wanted) {
        const { bytesRead } = await file.read(block, filled, wanted - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    } finally {
      await file.close();
    }
  }

  /** Bytes; undefined when the file is gone. */
  async size(): Promise<number | undefined> {
    const status = await statusOf(this.#path);
    if (status && identityOf(status) === this.identity) return Number(status.size);
    return (await this.#find())?.bytes;
  }

  async #open(): Promise<FileHandle | undefined> {
    const file = await this.#openThere();
    if (file) return file;
    const renamed = await this.#find();
    if (!renamed) return undefined;
    this.#path = renamed.path;
    return this.#openThere();
  }

  async #openThere(): Promise<FileHandle | undefined> {
    const file = await openLogFile(this.#path);
    if (!file || identityOf(await file.stat({ bigint: true })) === this.identity) return file;
    await file.close();
    return undefined;
  }

  async #find(): Promise<LogFile | undefined> {
    return (await listLogFiles(this.#directory)).find(({ identity }) => identity === this.identity);
  }
}

/** Inode numbers are soon given again on Linux, where the time of birth tells two apart; ZFS on illumos takes its time. */
function identityOf({ ino, birthtimeNs }: BigIntStats): string {
  return process.platform === "linux" ? `${ino}.${birthtimeNs}` : `${ino}`;
}

/** The file, or undefined when it is not there or nothing a log can be. Never waits for a FIFO, follows no link. */
async function openLogFile(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error) || isCode(error, "ELOOP") || isCode(error, "ENXIO")) return undefined;
    throw error;
  }
  const status = await file.stat();
  if (status.isFile() && status.nlink <= 1) return file;
  await file.close();
  return undefined;
}

function isMissing(error: unknown): boolean {
  return isCode(error, "ENOENT") || isCode(error, "ENOTDIR");
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
