import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { findExcess } from "../../agent/spec/excess.ts";
import { SPEC_FORMATS } from "../../agent/spec/formats/format.ts";
import { readSpecs } from "../../agent/spec/read.ts";
import { messageOf } from "../support/spec-builders.ts";

const refusal = (text: string): string => messageOf(() => readSpecs(text, "a.yaml"));
const lines = (count: number, line: (i: number) => string, begin = ""): string =>
  begin + Array.from({ length: count }, (_, i) => line(i)).join("");

/** test/bench/hostile-specs.ts prints how long these take. */
describe("too much is refused by its place, before it is parsed", () => {
  test.each([
    [
      "5 MB of Compose",
      lines(100_000, (i) => `  s${i}: &s${i}\n    image: nginx:latest-and-greatest-of-all\n`, "services:\n"),
      "a.yaml larger than 512 KiB: not a spec",
    ],
    [
      "anchors",
      lines(5_000, (i) => `  s${i}: &s${i} {image: nginx}\n`, "services:\n"),
      "a.yaml:202:9 more than 200 anchors",
    ],
    [
      "aliases",
      lines(5_000, (i) => `  s${i}: *a\n`, "x: &a {image: nginx}\nservices:\n"),
      "a.yaml:203:9 more than 200 aliases",
    ],
    [
      "merge keys",
      lines(5_000, (i) => `  s${i}: {<<: *a}\n`, "x: &a {image: nginx}\nservices:\n"),
      "a.yaml:203:14 more than 200 aliases",
    ],
    [
      "billion laughs",
      lines(30, (i) => (i === 0 ? "a0: &a0 [x]\n" : `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]\n`)),
      "more than 200 aliases",
    ],
    [
      "a small one",
      lines(9, (i) => (i === 0 ? "a0: &a0 [x]\n" : `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]\n`)),
      "alias",
    ],
    ["brackets", "[".repeat(100_000), "a.yaml:1:65 nested deeper than 64 levels"],
    ["indents", lines(800, (i) => `${" ".repeat(i)}a:\n`), "a.yaml:65:1 nested deeper than 64 levels"],
    ["list", `a: [${"1,".repeat(200_000)}1]`, "more than 40000 words and marks: not a spec"],
    ["tags", lines(30_000, () => "- !!str a\n"), "more than 40000 words and marks"],
    ["documents", lines(30_000, () => "---\na: 1\n"), "a.yaml:1001:1 more than 500 documents"],
    ["a long key", `${"k".repeat(500_000)}: 1`, "a.yaml:1:1 "],
  ])("%s", (_, text, told) => {
    expect(refusal(text)).toContain(told);
  });
});

test.each([
  ["deep, but not too deep", lines(60, (i) => `${" ".repeat(i)}a:\n`)],
  ["text that looks like it", `a: |\n${lines(500, () => "  *x &y [[[[ - - - -\n")}b: "${"*a ".repeat(500)}"\n`],
  ["many levels one after the other", lines(500, (i) => `a${i}:\n  b:\n    c: [[{d: 1}]]\n`)],
  ["comments of any indent", lines(200, (i) => `${" ".repeat(i)}# a\na${i}: 1\n`)],
])("what is meant passes: %s", (_, text) => {
  expect(findExcess(text)).toBeUndefined();
});

describe("nothing, however nested or long, is an accident", () => {
  const leaf = fc.oneof(
    fc.constantFrom(null, true, -1, 1.5, "", "a", "10.0.0.1", "/a:/b", "${X:-y}", "512m", "\u0007", "a".repeat(200)),
    fc.string({ maxLength: 4 }),
  );
  const key = fc.oneof(
    fc.constantFrom(
      "services", "web", "image", "command", "environment", "volumes", "ports", "healthcheck", "test", "deploy", "extends",
      "apiVersion", "kind", "metadata", "spec", "containers", "env", "resources", "limits", "memory", "name", "securityContext",
      "acKind", "acVersion", "app", "apps", "isolators", "ociVersion", "process", "args", "mounts", "root", "linux",
      "Image", "HostConfig", "Cmd", "Mounts", "Healthcheck", "NetworkingConfig", "brand", "nics", "internal_metadata", "tags",
      "labels", "networks", "log", "tmpfs", "package", "__proto__", "constructor", "<<",
    ), // prettier-ignore
    fc.string({ maxLength: 3 }),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "medium" },
      leaf,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 5 }),
    ),
  }));

  test.each(SPEC_FORMATS)("read as %s", (format) => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 6 }), fc.nat(70), (document, depth) => {
        const nested = Array.from({ length: depth }).reduce<unknown>((inner) => ({ spec: inner }), document);
        for (const [name, text] of [
          ["a.yaml", JSON.stringify(document)],
          ["a.json", JSON.stringify(nested)],
        ] as const)
          try {
            readSpecs(text, name, { format });
          } catch (error) {
            expect(error, text).toBeInstanceOf(AgentError);
            if (error instanceof AgentError) expect(error.code, text).toMatch(/^SPEC_/);
          }
      }),
      { numRuns: 40 },
    );
  });
});
