// One line of stdio.log, in both historic shapes (dockerinit.md 6.2).
//
// zoneadmd writes a record per read(2) of at most 1024 bytes, not per line of output, and escapes every byte outside
// printable ASCII on its own as \u00xx. So the text of a record is bytes in disguise (latin1), and characters may be
// split between records: whoever prints must join bytes before decoding them.
//
// `decodeUsual` reads the one layout that today's platform writes, byte by byte; whatever differs from it in anything
// goes to `decodeAny`, which is JSON.parse. Where the first has an answer it is the second's (a property test).
import { z } from "zod";

export type LogStream = "stdout" | "stderr";

export interface OutputRecord {
  readonly stream: LogStream;
  /** `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`, so that texts compare as times do; other text where the log has other text. */
  readonly time: string;
  /** As the container wrote them; may end within a line or a character. */
  readonly bytes: Buffer;
  /** Where the record's line begins in its file. */
  readonly at: number;
}

export type LogEntry =
  | ({ readonly kind: "output" } & OutputRecord)
  /** zoneadmd's own marks: `open`, `close`, `close-rotate`, `open-rotate`. */
  | { readonly kind: "mark"; readonly mark: string; readonly time: string; readonly at: number };

/**
 * Entries of the complete lines in `block[from, to)`, whose first byte is at `at` in its file. What is no record (torn
 * by a full disk or a crash, or never one) is left out. The entries' bytes are a new buffer's, and those of records that
 * follow each other are contiguous in it. Never throws.
 */
export function decodeLines(block: Buffer, from: number, to: number, at: number): LogEntry[] {
  const entries: LogEntry[] = [];
  const out = Buffer.allocUnsafe(to - from);
  let used = 0;
  for (let start = from; start < to;) {
    const newline = block.indexOf(10, start);
    const end = newline < 0 || newline > to ? to : newline;
    const place = at + start - from;
    const length = decodeUsual(block, start, end, out, used);
    if (length >= 0) {
      const stream = block[end - STREAM_LETTER] === LETTER_O ? "stdout" : "stderr";
      const time = block.toString("latin1", start + TIME_AT, start + TIME_AT + TIME_LENGTH);
      entries.push({ kind: "output", stream, time, bytes: out.subarray(used, used + length), at: place });
      used += length;
    } else {
      for (const { shape, offset } of decodeAny(block.toString("latin1", start, end))) {
        if (shape.kind === "mark") entries.push({ ...shape, at: place + offset });
        else {
          const copied = shape.bytes.copy(out, used);
          entries.push({ ...shape, bytes: out.subarray(used, used + copied), at: place + offset });
          used += copied;
        }
      }
    }
    start = end + 1;
  }
  return entries;
}

// ---- the usual layout ----

const HEAD = Buffer.from('{ "time": "');
const AFTER_TIME = Buffer.from('", "v": 0, "hostname": "');
const AFTER_HOST = Buffer.from('", "name": "zoneadmd","pid": ');
const AFTER_PID = Buffer.from(', "level": 30, "msg":"');
const TAIL = [Buffer.from('", "stream":"stdout" }'), Buffer.from('", "stream":"stderr" }')] as const;
const TAIL_LENGTH = TAIL[0].length;
const TIME_AT = HEAD.length;
const TIME_LENGTH = 30;
const TIME = Buffer.from("0000-00-00T00:00:00.000000000Z");
/** Counted from the line's end: the `o` of `stdout`, the `e` of `stderr`. */
const STREAM_LETTER = TAIL_LENGTH - '", "stream":"std'.length;
const LETTER_O = 0x6f;

/** What stands behind a backslash, by its letter; 0 where JSON knows no such escape. */
const ESCAPES = new Uint8Array(256);
for (const [letter, byte] of [
  ['"', 0x22],
  ["\\", 0x5c],
  ["/", 0x2f],
  ["b", 8],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
] as const)
  ESCAPES[letter.charCodeAt(0)] = byte;

/** Value of a hex digit plus one; 0 for everything else. */
const HEX = new Uint8Array(256);
for (let value = 0; value < 16; value++)
  for (const digit of [value.toString(16), value.toString(16).toUpperCase()]) HEX[digit.charCodeAt(0)] = value + 1;

/** Writes the record's bytes to `out` at `used` and returns how many; -1 when the line is not laid out as usual. */
function decodeUsual(line: Uint8Array, start: number, end: number, out: Uint8Array, used: number): number {
  const textEnd = end - TAIL_LENGTH;
  if (textEnd < start || (!matches(line, textEnd, TAIL[0]) && !matches(line, textEnd, TAIL[1]))) return -1;
  let at = start;
  if (!matches(line, at, HEAD)) return -1;
  at += HEAD.length;
  for (let i = 0; i < TIME_LENGTH; i++) {
    const wanted = TIME[i];
    const byte = line[at + i] ?? 0;
    if (wanted === 0x30 ? byte < 0x30 || byte > 0x39 : byte !== wanted) return -1;
  }
  at += TIME_LENGTH;
  if (!matches(line, at, AFTER_TIME)) return -1;
  at += AFTER_TIME.length;
  for (let byte = line[at] ?? 0; byte !== 0x22; byte = line[++at] ?? 0)
    if (byte < 0x20 || byte === 0x5c || at >= textEnd) return -1;
  if (!matches(line, at, AFTER_HOST)) return -1;
  at += AFTER_HOST.length;
  const pid = at;
  for (let byte = line[at] ?? 0; byte >= 0x30 && byte <= 0x39;) byte = line[++at] ?? 0;
  if (at === pid || (line[pid] === 0x30 && at > pid + 1) || !matches(line, at, AFTER_PID)) return -1;
  at += AFTER_PID.length;

  let to = used;
  while (at < textEnd) {
    const byte = line[at++] ?? 0;
    if (byte !== 0x5c) {
      if (byte < 0x20 || byte === 0x22) return -1;
      out[to++] = byte;
      continue;
    }
    if (at >= textEnd) return -1;
    const letter = line[at++] ?? 0;
    if (letter === 0x75) {
      const high = HEX[line[at + 2] ?? 0] ?? 0;
      const low = HEX[line[at + 3] ?? 0] ?? 0;
      if (at + 4 > textEnd || line[at] !== 0x30 || line[at + 1] !== 0x30 || high === 0 || low === 0) return -1;
      out[to++] = ((high - 1) << 4) | (low - 1);
      at += 4;
      continue;
    }
    const plain = ESCAPES[letter] ?? 0;
    if (plain === 0) return -1;
    out[to++] = plain;
  }
  return at === textEnd ? to - used : -1;
}

function matches(line: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (line[at + i] !== wanted[i]) return false;
  return true;
}

// ---- any layout ----

type Shape =
  | { readonly kind: "output"; readonly stream: LogStream; readonly time: string; readonly bytes: Buffer }
  | { readonly kind: "mark"; readonly mark: string; readonly time: string };

const record = z.object({
  time: z.string().default(""),
  stream: z.string(),
  msg: z.string().optional(),
  log: z.string().optional(),
});

/** How records begin. Within a record's text the quotes are escaped, so this is found at beginnings only. */
const BEGINNING = /\{ "time": "|\{"log":"/g;

/**
 * Records of a line, usually one. Where a write was torn, the next record went on in the same line: whatever is complete
 * in it is found.
 */
function decodeAny(line: string): { readonly shape: Shape; readonly offset: number }[] {
  const whole = parseRecord(line);
  if (whole) return [{ shape: whole, offset: 0 }];
  const beginnings = Array.from(line.matchAll(BEGINNING), (match) => match.index);
  return beginnings.flatMap((offset, i) => {
    const shape = parseRecord(line.slice(offset, beginnings[i + 1]));
    return shape ? [{ shape, offset }] : [];
  });
}

function parseRecord(line: string): Shape | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = record.safeParse(json);
  if (!parsed.success) return undefined;
  const { stream, msg, log } = parsed.data;
  const text = msg ?? log;
  if (text === undefined) return undefined;
  const time = normalizeTime(parsed.data.time);
  if (stream === "stdout" || stream === "stderr") return { kind: "output", stream, time, bytes: bytesOf(text) };
  return { kind: "mark", mark: text, time };
}

/** Each character up to U+00FF is a byte. Others no zoneadmd writes; they are kept as the UTF-8 they stand for. */
function bytesOf(text: string): Buffer {
  if (!/[^\u0000-\u00ff]/.test(text)) return Buffer.from(text, "latin1");
  return Buffer.concat(
    Array.from(text, (character) => Buffer.from(character, character <= "\u00ff" ? "latin1" : "utf8")),
  );
}

/** The older platform printed the fraction without padding: `.5000Z` is 5000 ns. Current ones print nine digits. */
function normalizeTime(time: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{1,9})Z$/.exec(time);
  return match ? `${match[1] ?? ""}.${(match[2] ?? "").padStart(9, "0")}Z` : time;
}
