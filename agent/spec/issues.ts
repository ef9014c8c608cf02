// zod's findings as problems of a spec: places, plain words, allowed values, "did you mean".
import { z } from "zod";
import { suggest } from "../util/suggest.ts";
import type { SpecPath, SpecProblem } from "./problem.ts";
import { problemAt, type SpecSource } from "./source.ts";

/** Words of neighbouring formats and what they are called here, or why they are not. */
export interface ForeignWords {
  /** Foreign key → our key. */
  readonly synonyms: Readonly<Record<string, string>>;
  /** Foreign key → a sentence. */
  readonly refused: Readonly<Record<string, string>>;
  /** Whether an unknown key is told by its own path instead of that of the map it stands in. */
  readonly ownPath?: true;
}

/** Every issue of a failed parse of `source.value` by `schema`, in the order of zod. */
export function zodProblems(
  schema: z.core.$ZodType,
  source: SpecSource,
  issues: readonly z.core.$ZodIssue[],
  words: ForeignWords = { synonyms: {}, refused: {} },
): SpecProblem[] {
  return issues.slice(0, MAX_TOLD).flatMap((issue) => problemsOf(schema, source, issue, [], words));
}

/** Hostile documents are wrong a hundred thousand times; nobody reads more than this, and each costs time. */
const MAX_TOLD = 200;

function problemsOf(
  schema: z.core.$ZodType,
  source: SpecSource,
  issue: z.core.$ZodIssue,
  prefix: SpecPath,
  words: ForeignWords,
): SpecProblem[] {
  const path = [...prefix, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys
        .slice(0, MAX_TOLD)
        .map((key) => unknownKey(source, [...path, key], keysAt(schema, path), words));
    case "invalid_union": {
      // The branch that got furthest into the value is the one that was meant.
      const branches = issue.errors.filter((branch) => !branch.some((i) => i.path.length === 0 && isTypeIssue(i)));
      const meant = branches.sort((a, b) => a.length - b.length)[0];
      if (meant) return meant.flatMap((inner) => problemsOf(schema, source, inner, path, words));
      const kinds = issue.errors.flatMap((branch) => branch.map(expectation)).filter((kind) => kind !== undefined);
      return [problemAt(source, path, typeMessage([...new Set(kinds)].join(" or "), valueAt(source.value, path)))];
    }
    case "invalid_type":
      return [problemAt(source, path, typeMessage(kindName(issue.expected), valueAt(source.value, path)))];
    case "invalid_value": {
      const values = issue.values.map(String);
      const given = valueAt(source.value, path);
      if (given === undefined || given === null) return [problemAt(source, path, typeMessage("a value", given))];
      const near = typeof given === "string" ? suggest(given, values) : undefined;
      return [
        problemAt(source, path, `${show(given)} is not allowed; use ${listOf(values)}${didYouMean(near)}`, {
          ...(near === undefined ? {} : { suggestion: near }),
        }),
      ];
    }
    case "invalid_key":
    case "invalid_element":
      return issue.issues.flatMap((inner) => problemsOf(schema, source, inner, path, words));
    default:
      return [problemAt(source, path, lowerFirst(issue.message))];
  }
}

function unknownKey(source: SpecSource, path: SpecPath, known: readonly string[], words: ForeignWords): SpecProblem {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const place = problemAt(source, path, "", { at: "key" });
  const refused = Object.hasOwn(words.refused, key) ? words.refused[key] : undefined;
  const told = (message: string, suggestion?: string): SpecProblem => ({
    ...place,
    path: problemAt(source, words.ownPath === true ? path : parent, "").path,
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
  if (refused !== undefined) return told(`"${key}" ${refused}`);
  const synonyms = Object.keys(words.synonyms).filter((word) => known.includes(words.synonyms[word] ?? ""));
  const near = suggest(key, [...known, ...synonyms]);
  const meant = near === undefined ? undefined : (words.synonyms[near] ?? near);
  return told(`unknown key "${key}"${didYouMean(meant)}`, meant);
}

/** Keys an object schema knows at a path; empty where the path leads to no object. */
function keysAt(schema: z.core.$ZodType, path: SpecPath): string[] {
  const here = path.reduce<z.core.$ZodType[]>((schemas, step) => schemas.flatMap((s) => descend(s, step)), [schema]);
  return here.flatMap(unwrap).flatMap((s) => (s instanceof z.core.$ZodObject ? Object.keys(s._zod.def.shape) : []));
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.core.$ZodUnion) return schema._zod.def.options.flatMap(unwrap);
  if (
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault ||
    schema instanceof z.core.$ZodNullable
  )
    return unwrap(schema._zod.def.innerType);
  if (schema instanceof z.core.$ZodPipe) return unwrap(schema._zod.def.in);
  return [schema];
}

function descend(schema: z.core.$ZodType, step: string | number): z.core.$ZodType[] {
  return unwrap(schema).flatMap((s) => {
    if (s instanceof z.core.$ZodArray) return [s._zod.def.element];
    if (s instanceof z.core.$ZodRecord) return [s._zod.def.valueType];
    const inner = s instanceof z.core.$ZodObject ? s._zod.def.shape[step] : undefined;
    return inner === undefined ? [] : [inner];
  });
}

function isTypeIssue(issue: z.core.$ZodIssue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function expectation(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === "invalid_type") return kindName(issue.expected);
  if (issue.code === "invalid_value") return listOf(issue.values.map(String));
  return undefined;
}

function kindName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: "text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list",
    object: "a map",
    record: "a map",
  };
  return names[expected] ?? expected;
}

function typeMessage(expected: string, given: unknown): string {
  if (given === undefined) return "is required";
  if (given === null) return `has no value; give it ${expected} or leave the key out`;
  return `must be ${expected}, not ${show(given)}`;
}

/** A value in an error message: its kind, and its text where that is short. */
function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a map";
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function valueAt(value: unknown, path: SpecPath): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (Array.isArray(inner) && typeof step === "number") {
      const item: unknown = inner[step];
      return item;
    }
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, step)) return undefined;
    const item: unknown = Reflect.get(inner, step);
    return item;
  }, value);
}

function listOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? "") : `one of ${values.join(", ")}`;
}

function didYouMean(word: string | undefined): string {
  return word === undefined ? "" : ` (did you mean "${word}"?)`;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
