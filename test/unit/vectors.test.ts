// Every golden vector, by the judges `npm run vectors` has.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { divergences } from "../vectors/divergences.ts";
import { vectorCases } from "../vectors/files.ts";

const fixtures = join(import.meta.dirname, "../fixtures");
const onPurpose = new Set(divergences().map(({ name }) => name));

describe.each([
  ["docker-create", 242],
  ["specs", 103],
  ["filters", 201],
  ["amqp", 125],
])("%s", (directory, atLeast) => {
  const cases = vectorCases(join(fixtures, directory));

  test("all of them are here", () => expect(cases.length).toBeGreaterThanOrEqual(atLeast));

  const judged = cases.filter(({ needs }) => needs === undefined);
  test.each(judged.map((one) => [one.name, one] as const))("%s", (name, { check, quirk }) => {
    if (quirk && onPurpose.has(name)) return;
    expect(check()).toEqual([]);
  });
});

describe("where we differ from sdc-docker", () => {
  const cases = vectorCases(join(fixtures, "docker-create"));

  test.each(divergences())("$name is a quirk, and we do differ", ({ name, predecessor, ours, why }) => {
    const vector = cases.find((one) => one.name === name);
    expect(vector?.quirk).toBe(true);
    expect(vector?.check()).not.toEqual([]);
    for (const cell of [predecessor, ours, why]) expect(cell).toMatch(/\S/);
  });
});

describe("npm run vectors", () => {
  const root = mkdtempSync(join(tmpdir(), "zl-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const run = (...directories: string[]) => {
    const main = join(import.meta.dirname, "../vectors/run.ts");
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...directories], { encoding: "utf8" });
    return { status, stdout, stderr };
  };
  const vector = { name: "one", kind: "table", conformance: "must", input: {}, expected: {} };
  const write = (path: string, content: unknown): void => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
  };

  test("counts, tells differences with their place, and fails", () => {
    const seconds = { ...vector, name: "human-duration", input: { seconds: [1, 60] } };
    write("good/deep/a.json", { ...seconds, expected: { text: ["1 seconds", "About a minute"] } });
    expect(run(join(root, "good"))).toMatchObject({ status: 0, stdout: "1 passed, 0 failed\n" });
    write("bad/b.json", { ...seconds, expected: { text: ["1 second", "About a minute"] } });
    expect(run(join(root, "good"), join(root, "bad"))).toMatchObject({
      status: 1,
      stdout: `FAIL b.json: human-duration
  text.0
    expected 1 second
    got      1 seconds
1 passed, 1 failed
`,
    });
  });

  test("what cannot be judged here is counted apart", () => {
    const fixture = join(fixtures, "amqp/broker-behaviour.json");
    expect(run(fixture)).toMatchObject({
      status: 0,
      stdout: "1 passed, 0 failed\n23 cases: a broker is needed to judge\n",
    });
  });

  test.each([
    ["an unknown kind", { ...vector, kind: "nonsense" }, 'unknown kind "nonsense"; known are'],
    ["an unknown table", { ...vector, name: "nonsense" }, 'unknown table "nonsense"'],
    ["a file that is none", { a: 1 }, "a file of no known kind"],
    ["no JSON", "{", "JSON"],
  ])("%s is a failure", (name, content, said) => {
    const directory = name.replaceAll(" ", "-");
    write(`${directory}/c.json`, content);
    const { status, stdout } = run(join(root, directory));
    expect(stdout).toContain(said);
    expect(stdout).toContain("0 passed, 1 failed");
    expect(status).toBe(1);
  });

  test("nothing to judge is a failure", () => {
    mkdirSync(join(root, "empty"));
    expect(run(join(root, "empty"))).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("no vectors") as string,
    });
    expect(run(join(root, "missing"))).toMatchObject({ status: 1 });
    expect(run()).toMatchObject({ status: 2 });
  });
});
