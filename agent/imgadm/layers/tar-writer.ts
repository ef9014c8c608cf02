// Writes the tar that imgadm gets. tar-stream's writer cannot serve here: it turns mode 0 into a default and cuts owners
// above 2097151, and both occur in images. Only what GNU tar 1.23 reads without a word is written: ustar headers, and
// PAX records for values a ustar header cannot hold.
import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import type { EntryKind, LayerEntry } from "./entry.ts";

/** What can be written of a layer's entry. Special files are left out before, and unknown records are dropped. */
export interface TarEntry extends Omit<LayerEntry, "kind" | "unknownRecords"> {
  readonly kind: Exclude<EntryKind, "device" | "fifo">;
}

export interface WrittenTar {
  readonly size: number;
  /** Hex. */
  readonly sha1: string;
}

const BLOCK = 512;
const BUFFER = 256 * 1024;
const TYPE_FLAG = { file: "0", link: "1", symlink: "2", directory: "5" } as const;
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

/** A new file at `path` (must not exist). Memory stays below one buffer whatever is written. */
export class TarWriter implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #hash = createHash("sha1");
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #size = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<TarWriter> {
    return new TarWriter(await open(path, "wx", 0o600));
  }

  /** Writes the header; `size` bytes of content and {@link pad} must follow. */
  async header(entry: TarEntry): Promise<void> {
    await this.#write(encodeHeader(entry));
  }

  async content(bytes: Uint8Array): Promise<void> {
    await this.#write(bytes);
  }

  /** Fills up the last block of a content of `size` bytes. */
  async pad(size: number): Promise<void> {
    const rest = size % BLOCK;
    if (rest !== 0) await this.#write(new Uint8Array(BLOCK - rest));
  }

  /** Writes the end mark and tells what was written. */
  async finish(): Promise<WrittenTar> {
    await this.#write(new Uint8Array(2 * BLOCK));
    await this.#flush();
    return { size: this.#size, sha1: this.#hash.digest("hex") };
  }

  /** Flushes what {@link finish} wrote to the disk itself. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= BUFFER) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#hash.update(bytes);
    this.#size += bytes.length;
    for (let done = 0; done < bytes.length;) done += (await this.#file.write(bytes, done)).bytesWritten;
  }
}

/** The header blocks of an entry, PAX records first where they are needed. */
export function encodeHeader(entry: TarEntry): Buffer {
  const name = entry.kind === "directory" ? `${entry.path === "" ? "." : entry.path}/` : entry.path;
  const records: string[] = [];
  const field = splitName(name);
  if (field === undefined) records.push(paxRecord("path", name));
  const target = Buffer.byteLength(entry.target) <= 100 && isAscii(entry.target) ? entry.target : undefined;
  if (target === undefined) records.push(paxRecord("linkpath", entry.target));
  const seconds = Math.floor(entry.mtime);
  if (seconds !== entry.mtime || seconds < 0 || seconds > MAX_OCTAL_11)
    records.push(paxRecord("mtime", String(entry.mtime)));
  for (const key of ["uid", "gid"] as const)
    if (entry[key] > MAX_OCTAL_7) records.push(paxRecord(key, String(entry[key])));
  if (entry.size > MAX_OCTAL_11) records.push(paxRecord("size", String(entry.size)));
  const main = ustarBlock({
    name: field?.name ?? "PaxEntry",
    prefix: field?.prefix ?? "",
    target: target ?? "PaxTarget",
    flag: TYPE_FLAG[entry.kind],
    mode: entry.mode,
    uid: entry.uid > MAX_OCTAL_7 ? 0 : entry.uid,
    gid: entry.gid > MAX_OCTAL_7 ? 0 : entry.gid,
    size: entry.size > MAX_OCTAL_11 ? 0 : entry.size,
    mtime: Math.min(Math.max(seconds, 0), MAX_OCTAL_11),
  });
  if (records.length === 0) return main;
  const body = Buffer.from(records.join(""));
  const padded = Buffer.alloc(Math.ceil(body.length / BLOCK) * BLOCK);
  body.copy(padded);
  const head = ustarBlock({
    name: "PaxHeader",
    prefix: "",
    target: "",
    flag: "x",
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 1,
  });
  return Buffer.concat([head, padded, main]);
}

interface UstarFields {
  readonly name: string;
  readonly prefix: string;
  readonly target: string;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
}

function ustarBlock(fields: UstarFields): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number, at: number): void => {
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  };
  block.write(fields.name, 0, 100, "latin1");
  octal(fields.mode, 7, 100);
  octal(fields.uid, 7, 108);
  octal(fields.gid, 7, 116);
  octal(fields.size, 11, 124);
  octal(fields.mtime, 11, 136);
  block.fill(" ", 148, 156);
  block.write(fields.flag, 156, "latin1");
  block.write(fields.target, 157, 100, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  block.write(fields.prefix, 345, 155, "latin1");
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Into ustar's name (100 bytes) and prefix (155); undefined where a PAX record is needed. */
function splitName(path: string): { readonly name: string; readonly prefix: string } | undefined {
  if (!isAscii(path)) return undefined;
  if (path.length <= 100) return { name: path, prefix: "" };
  const slash = path.indexOf("/", path.length - 101);
  if (slash <= 0 || slash > 155 || slash === path.length - 1) return undefined;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
