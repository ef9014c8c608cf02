// Reads the raw header blocks of a layer's tar beside the parser and refuses what two programs could read in two ways.
// A layer that needs no change is unpacked by the platform's GNU tar, not by us: an entry our parser sees and that one
// does not, or sees elsewhere, would slip past every check (style: E4). What is refused no builder writes.
import { AgentError } from "../../errors/agent-error.ts";
import { hostile } from "./entry.ts";

const BLOCK = 512;
/** Longest extension: a name of 4096 bytes and some attributes fit; nobody needs more, and it is held in memory. */
const MAX_EXTENSION = 4 * 1024 * 1024;
/** Numbers of a header: where they stand and how long they are. */
const NUMBERS = [
  ["mode", 100, 8],
  ["owner", 108, 8],
  ["group", 116, 8],
  ["size", 124, 12],
  ["time", 136, 12],
] as const;

/** Extensions seen since the last entry. */
interface Extensions {
  readonly records: Map<string, string>;
  readonly kinds: Set<string>;
}

export class HeaderGuard {
  readonly #layer: string;
  readonly #block = Buffer.alloc(BLOCK);
  #filled = 0;
  /** Bytes of content and padding to pass over. */
  #skip = 0;
  #extension: { readonly kind: string; readonly body: Buffer; filled: number } | undefined;
  #extensions: Extensions = { records: new Map(), kinds: new Set() };
  #zeros = 0;
  /** A block that is no header: the parser says so, and nothing behind it can be read. */
  #lost = false;

  constructor(layer: string) {
    this.#layer = layer;
  }

  /** Takes the next bytes of the plain tar. Throws LAYER_HOSTILE or IMAGE_UNSUPPORTED. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#lost;) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#collect(chunk.subarray(at, at + step));
        this.#skip -= step;
        at += step;
        if (this.#skip === 0) this.#finishExtension();
        continue;
      }
      const step = Math.min(BLOCK - this.#filled, chunk.length - at);
      this.#block.set(chunk.subarray(at, at + step), this.#filled);
      this.#filled += step;
      at += step;
      if (this.#filled < BLOCK) break;
      this.#filled = 0;
      this.#header();
    }
  }

  #header(): void {
    const block = this.#block;
    if (block.every((byte) => byte === 0)) {
      this.#zeros++;
      return;
    }
    if (!hasRightSum(block)) {
      this.#lost = true;
      return;
    }
    // GNU tar stops at the end mark; our parser would read on.
    if (this.#zeros > 0) throw hostile(this.#layer, "something follows the end of its tar");
    const size = this.#numbers();
    const flag = String.fromCharCode(block[156] ?? 0);
    if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
      if (size > MAX_EXTENSION) throw hostile(this.#layer, "an extended header is larger than 4 MiB");
      if (flag !== "g" && this.#extensions.kinds.has(flag))
        throw hostile(this.#layer, "an entry has two extended headers of one kind");
      if (flag !== "g") this.#extensions.kinds.add(flag);
      this.#extension = { kind: flag, body: Buffer.alloc(size), filled: 0 };
      this.#skip = padded(size);
      if (size === 0) this.#finishExtension();
      return;
    }
    if (flag === "N" || flag === "X" || flag === "V" || flag === "M" || flag === "D")
      throw new AgentError("IMAGE_UNSUPPORTED", `${this.#layer}: an entry has the type "${flag}" of old tars`);
    const { records, kinds } = this.#extensions;
    if ((kinds.has("L") && records.has("path")) || (kinds.has("K") && records.has("linkpath")))
      throw hostile(this.#layer, "an entry has two long names, GNU's and PAX's");
    const told = records.get("size");
    this.#skip = padded(told === undefined ? size : Number(told));
    this.#extensions = { records: new Map(), kinds: new Set() };
  }

  /** Checks all numbers of the block; returns the size. */
  #numbers(): number {
    let size = 0;
    for (const [name, at, length] of NUMBERS) {
      const field = this.#block.subarray(at, at + length);
      const value = readNumber(field);
      if (value === undefined || (value < 0 && name !== "time"))
        throw hostile(this.#layer, `the ${name} of an entry is no number`);
      if (name === "size") size = value;
    }
    if (!Number.isSafeInteger(size)) throw hostile(this.#layer, "an entry has an impossible size");
    return size;
  }

  #collect(bytes: Uint8Array): void {
    const extension = this.#extension;
    if (extension === undefined) return;
    const step = Math.min(bytes.length, extension.body.length - extension.filled);
    extension.body.set(bytes.subarray(0, step), extension.filled);
    extension.filled += step;
  }

  #finishExtension(): void {
    const extension = this.#extension;
    this.#extension = undefined;
    if (extension === undefined || extension.kind === "L" || extension.kind === "K") return;
    const records = readRecords(extension.body, this.#layer);
    if (extension.kind === "x") {
      for (const [key, value] of records) this.#extensions.records.set(key, value);
      return;
    }
    // GNU tar applies them to all that follow, our parser to entries with records of their own only.
    for (const key of records.keys())
      if (key !== "comment")
        throw new AgentError("IMAGE_UNSUPPORTED", `${this.#layer}: a global header sets "${key.slice(0, 60)}"`);
  }
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** The sum counts its own field as blanks. */
function hasRightSum(block: Buffer): boolean {
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  return readNumber(block.subarray(148, 156)) === sum;
}

/** Octal digits between blanks and zero bytes, or base 256; undefined for anything else. Empty is 0. */
function readNumber(field: Uint8Array): number | undefined {
  const first = field[0] ?? 0;
  if (first === 0x80 || first === 0xff) {
    let value = first === 0xff ? -1 : 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return value;
  }
  const text = Buffer.from(field).toString("latin1");
  const digits = /^ *([0-7]*)[ \0]*$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits === "" ? "0" : digits, 8);
}

/** `<length> <key>=<value>\n`, one behind the other, each key once. */
function readRecords(body: Buffer, layer: string): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const blank = body.indexOf(0x20, at);
    const digits = blank === -1 || blank - at > 7 ? "" : body.toString("latin1", at, blank);
    const end = at + Number(digits);
    const equals = body.indexOf(0x3d, blank);
    if (!/^[1-9]\d*$/.test(digits) || end > body.length || body[end - 1] !== 0x0a || equals === -1 || equals >= end)
      throw hostile(layer, "an extended header is malformed");
    const key = body.toString("utf8", blank + 1, equals);
    const value = body.toString("utf8", equals + 1, end - 1);
    // The oldest sparse dialect repeats its own; the parser refuses it by name.
    if (records.has(key) && !key.startsWith("GNU.sparse."))
      throw hostile(layer, `an extended header sets "${key.slice(0, 60)}" twice`);
    if ((key === "path" || key === "linkpath") && value === "")
      throw hostile(layer, `an extended header sets an empty "${key}"`);
    if (key === "size" && !/^\d{1,15}$/.test(value)) throw hostile(layer, "an extended header sets an impossible size");
    records.set(key, value);
    at = end;
  }
  return records;
}
