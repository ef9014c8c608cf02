// The platform's node is of the 0.10 era; its JSON parser words errors the old short way (vmadm.md 1).
import { VmError } from "./vm-error.ts";

export type Payload = Record<string, unknown>;

/** Parses a payload. Anything but an object is an empty payload, as `hasOwnProperty` on it would find nothing. */
export function parsePayload(text: string): Payload {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new VmError(`Invalid JSON payload: ${oldParserMessage(text, error)}`);
  }
  // The exact key in the text is not determined (vmadm.md 4.3: "a TypeError text").
  if (value === null) throw new VmError("Invalid JSON payload: Cannot read property 'uuid' of null");
  return typeof value === "object" && !Array.isArray(value) ? (value as Payload) : {};
}

function oldParserMessage(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  const token =
    position === undefined ? /^Unexpected token '?(.*?)'?(, |$)/su.exec(message)?.[1] : text[Number(position)];
  if (token === undefined || token === "" || message.startsWith("Unterminated")) return "Unexpected end of input";
  if (token === '"') return "Unexpected string";
  if (/[-0-9]/.test(token)) return "Unexpected number";
  return `Unexpected token ${token}`;
}

/** A value as the platform's messages and texts show it: strings as they are, the rest as JSON. */
export function textOf(value: unknown): string {
  if (value === undefined) return "undefined";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A copy without one key. */
export function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const copy = { ...object };
  Reflect.deleteProperty(copy, key);
  return copy;
}
