// One line of stdio.log, in both historic shapes (dockerinit.md 6.2).
//
// zoneadmd writes a record per read(2) of at most 1024 bytes, not per line of output, and escapes every byte outside
// printable ASCII on its own as \u00xx. So the text of a record is bytes in disguise (latin1), and characters may be
// split between records: whoever prints must join bytes before decoding them.
import { z } from "zod";

export type LogStream = "stdout" | "stderr";

export type LogLine =
  | { readonly kind: "output"; readonly stream: LogStream; readonly time: string; readonly bytes: Buffer }
  /** zoneadmd's own marks: `open`, `close`, `close-rotate`, `open-rotate`. */
  | { readonly kind: "mark"; readonly mark: string; readonly time: string }
  /** Torn by a full disk or a crash, or not a record at all. */
  | { readonly kind: "unreadable" };

const record = z.object({
  time: z.string().default(""),
  stream: z.string(),
  msg: z.string().optional(),
  log: z.string().optional(),
});

/** Reads one line without its newline. Never throws. */
export function parseLogLine(line: string): LogLine {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return { kind: "unreadable" };
  }
  const parsed = record.safeParse(json);
  if (!parsed.success) return { kind: "unreadable" };
  const { stream, time, msg, log } = parsed.data;
  const text = msg ?? log;
  if (text === undefined) return { kind: "unreadable" };
  if (stream === "stdout" || stream === "stderr")
    return { kind: "output", stream, time: normalizeTime(time), bytes: Buffer.from(text, "latin1") };
  return { kind: "mark", mark: text, time: normalizeTime(time) };
}

/** The older platform printed the fraction without padding: `.5000Z` is 5000 ns. Current ones print nine digits. */
function normalizeTime(time: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{1,9})Z$/.exec(time);
  return match ? `${match[1] ?? ""}.${(match[2] ?? "").padStart(9, "0")}Z` : time;
}
