import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseEnvFile } from "../../agent/spec/env-file.ts";
import { readSpecFile, readSpecText } from "../../agent/spec/read.ts";
import { prepareText } from "../support/spec-builders.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "zl-env-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("lines as docker run takes them: no quotes, no expansion", () => {
  const { entries, problems } = parseEnvFile('\uFEFF# comment\nA=1\r\n\n  B=x # y\nC="q"\nD=$A\nE=\n', "env");
  expect(entries).toEqual(["A=1", "B=x # y", 'C="q"', "D=$A", "E="]);
  expect(problems).toEqual([]);
});

test("what is no K=V is told with its line", () => {
  const { problems } = parseEnvFile("A=1\nHOME\n=x\nB C=1\n", "env");
  expect(problems.map((p) => `${p.where} ${p.message}`)).toEqual([
    "env:2:1 not K=V",
    'env:3:1 "" is not a name for a variable',
    'env:4:1 "B C" is not a name for a variable',
  ]);
});

test("files are found beside the spec; env wins over them", async () => {
  await writeFile(join(directory, "one.env"), "A=1\nB=1\n");
  await writeFile(join(directory, "two.env"), "B=2\n");
  const spec = join(directory, "web.yaml");
  await writeFile(spec, "image: a\nenvFile: [one.env, two.env]\nenv: {C: 3}\n");
  const [document] = await readSpecFile(spec);
  expect(document).toMatchObject({ spec: { env: ["A=1", "B=1", "B=2", "C=3"] } });
  expect(document).not.toHaveProperty("spec.envFile");
});

test("a spec from stdin finds them beside its caller", async () => {
  await writeFile(join(directory, "three.env"), "A=3\n");
  const [document] = await readSpecText("image: a\nenvFile: three.env\n", "stdin", directory);
  expect(document).toMatchObject({ spec: { env: ["A=3"] } });
  expect(() => prepareText("image: a\nenvFile: three.env\n")).toThrow("were not read");
});

test("a missing one is told with the place that names it", async () => {
  const spec = join(directory, "gone.yaml");
  await writeFile(spec, "image: a\nenvFile: gone.env\n");
  await expect(readSpecFile(spec)).rejects.toThrow(`${spec}:2:10 envFile[0]: cannot read gone.env (ENOENT)`);
  await expect(readSpecFile(join(directory, "none.yaml"))).rejects.toThrow("cannot read");
});
