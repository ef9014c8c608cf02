// JSON as Go programs read it: null is the same as absent, and a format that is open ignores keys it does not know. Here
// such a key is warned about, since it may be a misspelt one.
import { z } from "zod";
import { text } from "../fields.ts";
import { zodProblems } from "../issues.ts";
import { formatPath, type SpecPath } from "../problem.ts";
import type { SpecSource } from "../source.ts";
import type { Report } from "./format.ts";

export const absentable = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);
export const listOf = <T extends z.ZodType>(type: T) =>
  z
    .array(type)
    .nullish()
    .transform((value) => value ?? []);
export const mapOf = <T extends z.ZodType>(type: T) =>
  z
    .record(text, type)
    .nullish()
    .transform((value) => value ?? {});
/** Absent and empty are one to a Go program. */
export const absentableText = text.nullish().transform((value) => (value === "" || value === null ? undefined : value));
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
/** 0 is unset. */
export const absentableInteger = z
  .int()
  .nullish()
  .transform((value) => (value === 0 || value === null ? undefined : value));

export const absolutePath = text.regex(/^\//, "must be an absolute path");

export const semanticVersion = z
  .string()
  .regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/, "must be a version such as 1.0.2");

/** The text before the first `=` and the text after it; undefined without one or without a name. */
export function splitVariable(entry: string): readonly [string, string] | undefined {
  const at = entry.indexOf("=");
  return at < 1 ? undefined : [entry.slice(0, at), entry.slice(at + 1)];
}

/** Whether a field asks for anything: not null, false, 0, empty text, an empty list or an empty map. */
export function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A document by a strict schema, unknown keys warned about and left out; undefined with the complaints reported. */
export function parseOpen<T extends z.ZodType>(schema: T, source: SpecSource, report: Report): z.output<T> | undefined {
  const first = schema.safeParse(source.value);
  if (first.success) return first.data;
  const unknown = new Set<string>();
  for (const issue of first.error.issues) {
    if (issue.code !== "unrecognized_keys") continue;
    for (const key of issue.keys) {
      const path = [...issue.path.map((step) => (typeof step === "number" ? step : String(step))), key];
      unknown.add(formatPath(path));
      report.warn(path, `unknown field "${key}": it has no effect`);
    }
  }
  const rest = first.error.issues.filter((issue) => issue.code !== "unrecognized_keys");
  report.add(zodProblems(schema, source, rest));
  if (rest.length > 0) return undefined;
  // Checks of an object run only when it has no unknown key, hence the second parse.
  const second = schema.safeParse(without(source.value, unknown, []));
  if (second.success) return second.data;
  report.add(zodProblems(schema, source, second.error.issues));
  return undefined;
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
