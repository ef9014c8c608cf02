// Records of stdio.log and platform.log: the exact line layout and escaping of zoneadmd's log.c (dockerinit.md 6.2).

export interface RecordOrigin {
  readonly hostname: string;
  readonly pid: number;
}

/** One read(2) of zoneadmd. */
export const READ_SIZE = 1024;
/** Characters of escaped text one record can hold. */
const ESCAPE_BUFFER = 2047;

const NAMED: Readonly<Record<number, string>> = {
  0x08: "\\b",
  0x09: "\\t",
  0x0a: "\\n",
  0x0c: "\\f",
  0x0d: "\\r",
  0x22: '\\"',
  0x5c: "\\\\",
};

/** Escaped text of one chunk, cut where the escape buffer is full; never within an escape sequence. */
export function escapeChunk(chunk: Uint8Array): string[] {
  const texts: string[] = [];
  let text = "";
  for (const byte of chunk) {
    const piece = NAMED[byte] ?? (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : unicodeEscape(byte));
    if (text.length + piece.length > ESCAPE_BUFFER) {
      texts.push(text);
      text = "";
    }
    text += piece;
  }
  texts.push(text);
  return texts;
}

function unicodeEscape(byte: number): string {
  return `\\u00${byte.toString(16).padStart(2, "0")}`;
}

/** `time` is milliseconds since the epoch with microseconds as its fraction. */
export function formatData(origin: RecordOrigin, time: number, stream: string, escaped: string): string {
  return `${preamble(origin, time)}"msg":"${escaped}", "stream":"${stream}" }\n`;
}

export function formatEvent(
  origin: RecordOrigin,
  time: number,
  event: "open" | "close" | "open-rotate" | "close-rotate",
): string {
  return `${preamble(origin, time)}"stream":"logfile", "msg":"${event}" }\n`;
}

function preamble({ hostname, pid }: RecordOrigin, time: number): string {
  return `{ "time": "${formatTime(time)}", "v": 0, "hostname": "${hostname}", "name": "zoneadmd","pid": ${pid}, "level": 30, `;
}

/** Nine digits: microseconds and three zeros. */
function formatTime(time: number): string {
  const micros = Math.floor(time * 1000);
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros % 1_000_000).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}000Z`;
}

/** `20240514T110244Z`, the stamp of a rotated file. */
export function rotationStamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, "") + "Z";
}
