// Texts of an error may be long: what a command said goes out with its middle cut, the whole of it stays on the node.
import type { TaskError } from "./task-event.ts";

const MAX_TEXT = 8192;
const MAX_DETAILS_BYTES = 65_536;

/** The same text where it is short; else its two ends, and how much is missing between. */
export function clipText(text: string, max = MAX_TEXT): string {
  if (text.length <= max) return text;
  const end = Math.floor(max / 2);
  return `${text.slice(0, end)}\n… ${text.length - 2 * end} characters …\n${text.slice(-end)}`;
}

/** Message and details within bounds; details that stay too big are dropped, and said to be. */
export function clipError(error: TaskError): TaskError {
  const { details, ...rest } = error;
  const message = clipText(error.message);
  if (details === undefined) return { ...rest, message };
  const clipped = Object.fromEntries(Object.entries(details).map(([key, value]) => [key, typeof value === "string" ? clipText(value) : value])); // prettier-ignore
  const bytes = Buffer.byteLength(JSON.stringify(clipped));
  return { ...rest, message, details: bytes <= MAX_DETAILS_BYTES ? clipped : { omittedBytes: bytes } };
}
