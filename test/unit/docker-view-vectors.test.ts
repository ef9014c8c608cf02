// Golden vectors about zones as Docker clients see them: kinds `inspect`, `ps`, `lookup`, `rename`, `delete` and their tables.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DOCKER_VIEW_JUDGES } from "../vectors/docker-view.ts";

const directory = new URL("../fixtures/docker-create/", import.meta.url);
const object = z.looseObject({});
const paths = z.array(z.array(z.string())).default([]);
const vectorSchema = z.object({
  name: z.string(),
  kind: z.string(),
  conformance: z.enum(["must", "quirk"]),
  input: object,
  expected: object.extend({ exact: paths, absent: paths }).optional(),
  expected_error: z
    .object({
      stage: z.string(),
      status: z.number().nullable(),
      code: z.string().nullable(),
      message: z.string().nullable(),
    })
    .optional(),
});
type Vector = z.output<typeof vectorSchema>;

/** Quirks we do not share; each is a row of the table in manifests/README.md. */
const DIVERGING = [
  "api-version-check",
  "ps-filter-label-value-with-equals",
  "ps-filter-status-two-values",
  "rename-keeps-slash",
];

const judgeOf = ({ kind, name }: Vector) => DOCKER_VIEW_JUDGES[kind === "table" ? name : kind];
const vectors = readdirSync(directory)
  .map((file) => vectorSchema.parse(JSON.parse(readFileSync(new URL(file, directory), "utf8"))))
  .filter((vector) => judgeOf(vector) !== undefined);

function at(document: unknown, path: readonly string[]): unknown {
  return path.reduce(
    (inner, key): unknown => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    document,
  );
}

function check(vector: Vector): void {
  const judge = judgeOf(vector)!;
  const { expected, expected_error: refused } = vector;
  if (refused) {
    const docker: unknown = expect.objectContaining({ status: refused.status, code: refused.code });
    const details: unknown = expect.objectContaining({ docker });
    const told = refused.stage === "crash" ? {} : { message: refused.message, details };
    expect(() => judge(vector.input)).toThrow(expect.objectContaining({ name: "AgentError", ...told }));
    return;
  }
  const { exact, absent, ...wanted } = expected!;
  const got: unknown = JSON.parse(JSON.stringify(judge(vector.input)));
  expect(got).toMatchObject(wanted);
  const documents = vector.kind === "ps" ? ["containers", "0"] : [vector.kind];
  const [mine, theirs] = [got, wanted].map((document) => documents.reduce((inner, key) => at(inner, [key]), document));
  for (const path of exact) {
    expect(at(theirs, path)).toBeDefined();
    expect(at(mine, path)).toEqual(at(theirs, path));
  }
  for (const path of absent) expect(at(mine, path)).toBeUndefined();
}

describe("golden vectors", () => {
  test("all of them are here", () => expect(vectors).toHaveLength(69));

  test.each(vectors.filter(({ name }) => !DIVERGING.includes(name)))("$name", check);

  test.each(vectors.filter(({ name }) => DIVERGING.includes(name)))("$name is a quirk that is not shared", (vector) => {
    expect(vector.conformance).toBe("quirk");
    expect(() => check(vector)).toThrow();
  });
});
