// Whatever a document of a foreign format holds, its reader says so and never throws.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { parseSpecText } from "../../agent/spec/file.ts";
import { readDockerCreate } from "../../agent/spec/formats/docker-create/read.ts";
import { Report } from "../../agent/spec/formats/format.ts";
import { FOREIGN_FORMATS } from "../../agent/spec/formats/formats.ts";
import { readEffectiveValues } from "../../agent/spec/formats/image-config/read.ts";
import { readSpecs } from "../../agent/spec/read.ts";
import { flagSource, type SpecSource } from "../../agent/spec/source.ts";
import { specInputs } from "../vectors/specs.ts";

type Read = (source: SpecSource, report: Report) => unknown;

const READERS: readonly (readonly [string, Read])[] = [
  ...FOREIGN_FORMATS.map(
    ({ name, read }) => [name, (source: SpecSource, report: Report) => read(source, {}, report)] as const,
  ),
  ["image-config", readEffectiveValues],
];

/** Values formats stumble over: wrong kinds, limits of numbers, separators of their little languages, famous keys. */
const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1, 1.5, 65536, 2 ** 53, -(2 ** 53), 1e300),
  fc.constantFrom("", " ", "/", "a", ":", "::", "/a:/b:ro", "a=b", "=", "$", "${", "${a:-${b}}", "-", "80/tcp", "1-0"),
  fc.constantFrom("1e99", "-1m", "9".repeat(400), "0x10", "1.5Gi", "\0", "\u2028", "\ud800", "[::1]", "256.1.1.1"),
  fc.string({ maxLength: 12, unit: "binary" }),
);
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom("constructor", "toString", "valueOf", "name", "value", "target", ""),
        fc.string({ maxLength: 4 }),
      ),
      tie("value"),
      { maxKeys: 3, noNullPrototype: true },
    ),
  ),
}));

describe.each(READERS)("%s", (format, read) => {
  const documents = specInputs(format).flatMap(({ text, name }) => parseSpecText(text, name));

  const changes = fc.array(fc.tuple(fc.nat(), fc.constantFrom("replace", "remove", "add"), anything), {
    minLength: 1,
    maxLength: 4,
  });

  test("a good document with a few values replaced, removed or added", () => {
    fc.assert(
      fc.property(fc.constantFrom(...documents), changes, ({ value }, list) => {
        const changed = structuredClone(value);
        for (const [at, kind, replacement] of list) change(changed, at, kind, structuredClone(replacement));
        judge(read, changed);
      }),
      { numRuns: 600 },
    );
  });

  test("the same, all the way from a text to containers", () => {
    fc.assert(
      fc.property(fc.constantFrom(...documents), changes, ({ value }, list) => {
        const changed = structuredClone(value);
        for (const [at, kind, replacement] of list) change(changed, at, kind, structuredClone(replacement));
        try {
          readSpecs(JSON.stringify(changed), "a.json");
        } catch (error) {
          if (!(error instanceof AgentError) || !error.code.startsWith("SPEC_")) throw error;
        }
      }),
      { numRuns: 150 },
    );
  });

  test("any map", () => {
    const keys = fc.constantFrom(...new Set(documents.flatMap(({ value }) => keysOf(value))));
    fc.assert(
      fc.property(fc.dictionary(keys, anything, { maxKeys: 6, noNullPrototype: true }), (value) => {
        judge(read, value);
      }),
      { numRuns: 300 },
    );
  });
});

test.each(["services: &a\n  x: *a", "HostConfig: &a\n  Binds: [*a]", "image: &a [*a]"])(
  "an alias of what it stands in is refused: %j",
  (text) => {
    expect(() => readSpecs(text, "a.yaml")).toThrow(/the alias "\*a" stands inside of what it names/);
  },
);

test("the work grows with the document, not with its square", { timeout: 10_000 }, () => {
  const tmpfs = Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`relative${i}`, ""]));
  const [source] = parseSpecText(JSON.stringify({ Image: "a", HostConfig: { Tmpfs: tmpfs } }), "a.json");
  if (!source) throw new Error("no document");
  const report = new Report(source);
  readDockerCreate(source, {}, report);
  expect(report.problems[0]?.path).toBe("HostConfig.Tmpfs.relative0");
});

function judge(read: Read, value: unknown): void {
  const source = flagSource(value, {});
  const report = new Report(source);
  const document = read(source, report);
  expect(document !== undefined || report.problems.length > 0).toBe(true);
  for (const problem of report.problems) expect(problem.message).not.toBe("");
}

type Spot = readonly [holder: Record<string, unknown> | unknown[], key: string | number];

function spots(value: unknown): Spot[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown, i) => [[value, i] as const, ...spots(item)]);
  if (!isRecord(value)) return [];
  return Object.keys(value).flatMap((key) => [[value, key] as const, ...spots(value[key])]);
}

function change(value: unknown, at: number, kind: string, replacement: unknown): void {
  const all = spots(value);
  const [holder, key] = all[at % Math.max(all.length, 1)] ?? [];
  if (holder === undefined || key === undefined) return;
  if (kind === "replace") Reflect.set(holder, key, replacement);
  else if (kind === "add" && Array.isArray(holder)) holder.push(replacement);
  else if (kind === "add") Reflect.set(holder, `${key}x`, replacement);
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else Reflect.deleteProperty(holder, key);
}

function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  return isRecord(value) ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
