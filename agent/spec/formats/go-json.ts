// Kinds of values in JSON as Go programs write and read it: null is the same as absent, often zero and empty text, too.
import { z } from "zod";
import { text } from "../fields.ts";

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

/** A list of `NAME=value` as a map, the last definition winning. A bare name has the value null. */
export function variablesOf(entries: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    entries.map((entry): [string, string | null] => {
      const at = entry.indexOf("=");
      return at === -1 ? [entry, null] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
