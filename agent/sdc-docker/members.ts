// Reading members of untrusted JSON, with the type failures in the predecessor's words (sdc-docker.md 2).
import { invalid } from "./refuse.ts";

export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own member; null is as good as absent. */
export function member(of: Members, key: string): unknown {
  return Object.hasOwn(of, key) ? (of[key] ?? undefined) : undefined;
}

export function textOf(of: Members, key: string, name = key): string | undefined {
  const value = member(of, key);
  if (value === undefined || typeof value === "string") return value;
  throw invalid(`"${name}" must be a string`);
}

export function textsOf(of: Members, key: string, name = key): readonly string[] | undefined {
  const value = member(of, key);
  if (value === undefined || isTexts(value)) return value;
  throw invalid(`"${name}" must be an array of strings`);
}

export function flagOf(of: Members, key: string, name = key): boolean | undefined {
  const value = member(of, key);
  if (value === undefined || typeof value === "boolean") return value;
  throw invalid(`"${name}" must be a boolean`);
}

export function membersOf(of: Members, key: string, name = key): Members | undefined {
  const value = member(of, key);
  if (value === undefined || isMembers(value)) return value;
  throw invalid(`"${name}" must be an object`);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** A value as JSON, for a message; one too deep to be written is told as such. */
export function shown(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "(too deep)";
  }
}
