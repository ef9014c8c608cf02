import { describe, expect, test } from "vitest";
import { parseSpecText } from "../../agent/spec/file.ts";
import { messageOf } from "../support/spec-builders.ts";

const value = (text: string, name = "a.yaml"): unknown => parseSpecText(text, name)[0]?.value;
const complaint = (text: string, name = "a.yaml"): string => messageOf(() => parseSpecText(text, name));

describe("reading", () => {
  test.each([
    ["merge keys", "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", { base: { x: 1, y: 2 }, use: { x: 1, y: 3 } }],
    ["words of YAML 1.1 stay text", "a: yes\nb: 22:22\nc: 2020-01-01\n", { a: "yes", b: "22:22", c: "2020-01-01" }],
    [
      "numbers keep their form",
      "a: 0440\nb: 1.10\nc: 0x1f\nd: 42\ne: 1.5\n",
      { a: "0440", b: "1.10", c: "0x1f", d: 42, e: 1.5 },
    ],
    ["JSON", '{"a": [1, true, null]}', { a: [1, true, null] }],
    ["JSON with tabs", '{\n\t"a":\t1\n}', { a: 1 }],
  ])("%s", (_, text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  test("several documents, empty ones left out", () => {
    expect(parseSpecText("a: 1\n---\n---\na: 2\n", "a.yaml").map((source) => source.value)).toEqual([
      { a: 1 },
      { a: 2 },
    ]);
  });

  test("places of keys and values, through aliases and merges", () => {
    const [source] = parseSpecText("x: &x\n  k: 1\ny: *x\nz:\n  - a\n  - b: 2\n", "a.yaml");
    expect(source?.locate(["y", "k"]).where).toBe("a.yaml:2:6");
    expect(source?.locate(["z", 1, "b"]).where).toBe("a.yaml:6:8");
    expect(source?.locate(["z", 1, "b"], "key").where).toBe("a.yaml:6:5");
    expect(source?.locate(["z", 7]).where).toBe("a.yaml:5:3");
  });
});

describe("refusing", () => {
  test.each([
    ["a trailing comma in a map", '{\n  "a": 1,\n}', "a.json:2:9 a comma before the closing"],
    ["a trailing comma in a list", '{\n  "a": [1, 2,]\n}', "a.json:2:13 a comma before the closing"],
    ["a bare word", '{\n  "a": tru\n}', "a.json:2:11"],
    ["single quotes", "{'a': 1}", "a.json:1:2"],
    ["a missing end", '{"a": 1', "a.json:1:8"],
  ])("JSON with %s", (_, text, expected) => {
    expect(complaint(text, "a.json")).toContain(expected);
  });

  test("JSON is read strictly without a telling name, too", () => {
    expect(complaint('{"a": 1,}', "<stdin>")).toContain("<stdin>:1:8 a comma before");
    expect(value("{a: 1,}", "flow.yaml")).toEqual({ a: 1 });
  });

  test.each([
    ["duplicate keys", "a: 1\nb: 2\na: 3\n", "a.yaml:3:1"],
    ["__proto__", "x:\n  __proto__: {admin: true}\n", 'a.yaml:2:3 the key "__proto__" is refused'],
    ["foreign tags", "a: !!python/object:os.system x\n", "a.yaml:1:4 unresolved tag"],
    ["maps as keys", "? {a: 1}\n: 2\n", "a key must be a plain word"],
    ["a bad indent", "a:\n  b: 1\n c: 2\n", "a.yaml:3:"],
    ["an unknown alias", "a: *nothing\n", "a.yaml:1:"],
    ["a merge of what is no map", "a: 1\n<<: x\n", 'a.yaml:2:1 the value of the merge key "<<" must be a map'],
    ["nothing", "# only a comment\n", "holds no document"],
  ])("%s", (_, text, expected) => {
    expect(complaint(text)).toContain(expected);
  });

  test("alias bombs", () => {
    const lines = ["a0: &a0 [x, x]"];
    for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}, *a${i - 1}]`);
    expect(complaint(lines.join("\n"))).toContain("alias");
  });

  test("depth and size", () => {
    expect(complaint("[".repeat(100) + "]".repeat(100))).toContain("nested deeper than 64 levels");
    expect(complaint("[".repeat(500_000))).toContain("nested deeper than 64 levels");
    expect(complaint("- ".repeat(200_000))).toContain("nested deeper than 64 levels");
    expect(complaint("{a: ".repeat(100_000))).toContain("nested deeper than 64 levels");
    expect(complaint(`a: ${"x".repeat(1024 * 1024)}`)).toContain("larger than 512 KiB");
  });

  test("all syntax errors of a file at once", () => {
    expect(complaint("a: 1\na: 2\nb: 1\nb: 2\n").match(/a\.yaml:/g)).toHaveLength(2);
  });
});
