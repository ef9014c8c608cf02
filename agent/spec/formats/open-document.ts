// Documents of open formats: keys nobody knows are ignored by their own readers. Here such a key is warned about, since it
// may be a misspelt one; and what is known, but not taken over, stands in a table of decisions beside the schema.
import type { z } from "zod";
import { zodProblems } from "../issues.ts";
import { formatPath, type SpecPath } from "../problem.ts";
import type { SpecSource } from "../source.ts";
import type { Report } from "./format.ts";

interface Decision {
  readonly verdict: "drop" | "warn" | "refuse";
  readonly message: string;
  /** Whether a value asks for anything at all. */
  readonly asks: (value: unknown) => boolean;
}

/** Accepted and not honoured: reported. */
export function warned(message: string, asks: (value: unknown) => boolean = isSet): Decision {
  return { verdict: "warn", message, asks };
}

/** Has no equivalent and cannot be left out. */
export function refused(message: string, asks: (value: unknown) => boolean = isSet): Decision {
  return { verdict: "refuse", message, asks };
}

/** Without effect and not worth reporting. */
export const dropped: Decision = { verdict: "drop", message: "", asks: () => false };

/** By the path of the map (`HostConfig`, `mounts[]`; empty for the document), then by key: keys the schema leaves out. */
export type Decisions = Readonly<Record<string, Readonly<Record<string, Decision>>>>;

/** Not null, false, 0, empty text, an empty list or an empty map. */
export function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Anything but null: for fields whose zero says something. */
export function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/**
 * A document by a strict schema. Keys the schema does not have are decided by the table, else warned about as unknown,
 * and left out. Undefined with the complaints reported.
 */
export function parseOpen<T extends z.ZodType>(
  schema: T,
  source: SpecSource,
  report: Report,
  decisions: Decisions = {},
): z.output<T> | undefined {
  const first = schema.safeParse(source.value);
  if (first.success) return first.data;
  const others = new Set<string>();
  for (const issue of first.error.issues) {
    if (issue.code !== "unrecognized_keys") continue;
    const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
    for (const key of issue.keys) {
      others.add(formatPath([...path, key]));
      decide(decisions, path, key, valueAt(source.value, [...path, key]), report);
    }
  }
  const rest = first.error.issues.filter((issue) => issue.code !== "unrecognized_keys");
  report.add(zodProblems(schema, source, rest));
  if (rest.length > 0) return undefined;
  // Checks of an object run only when it has no key too many, hence the second parse.
  const second = schema.safeParse(without(source.value, others, []));
  if (second.success) return second.data;
  report.add(zodProblems(schema, source, second.error.issues));
  return undefined;
}

function decide(decisions: Decisions, path: SpecPath, key: string, value: unknown, report: Report): void {
  const pattern = path.map((step, i) => (typeof step === "number" ? "[]" : `${i === 0 ? "" : "."}${step}`)).join("");
  const table = Object.hasOwn(decisions, pattern) ? decisions[pattern] : undefined;
  const decision = table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
  if (decision === undefined) report.warn([...path, key], `unknown field "${key}": it has no effect`);
  else if (!decision.asks(value)) return;
  else if (decision.verdict === "refuse") report.refuse([...path, key], decision.message);
  else report.warn([...path, key], decision.message);
}

function valueAt(value: unknown, path: SpecPath): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, step)) return undefined;
    const item: unknown = Reflect.get(inner, step);
    return item;
  }, value);
}

function without(value: unknown, paths: ReadonlySet<string>, at: SpecPath): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, i) => without(item, paths, [...at, i]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
      paths.has(formatPath([...at, key])) ? [] : [[key, without(inner, paths, [...at, key])]],
    ),
  );
}
