import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { readSpecs } from "../../agent/spec/read.ts";
import { prepareText } from "../support/spec-builders.ts";

const CODES = ["SPEC_SYNTAX", "SPEC_INVALID", "SPEC_UNSUPPORTED", "NO_COMMAND", "USER_UNKNOWN"];

/** Runs `work`; anything it throws must be told to the person who wrote the text. */
function onlyTold(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (error instanceof AgentError && CODES.includes(error.code) && error.message !== "") return;
    throw error;
  }
}

describe("whatever is written, the answer is a spec or a told error", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "image: a",
      "\n",
      " ",
      "- ",
      ": ",
      "{",
      "}",
      "[",
      "]",
      "&a ",
      "*a",
      "<<: *a",
      "|\n",
      ">-\n",
      "---\n",
      "? ",
      "!!str ",
      "'",
      '"',
      "#",
      "\t",
      "%YAML 1.1\n",
      "...\n",
      "\u0000",
      "\u2028",
      ",",
    ),
    fc.string({ maxLength: 5 }),
  );

  test("texts", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => onlyTold(() => readSpecs(pieces.join(""), "a.yaml"))),
      { numRuns: 1500 },
    );
  });

  test("values", () => {
    const key = fc.constantFrom(
      "image",
      "networks",
      "volumes",
      "env",
      "labels",
      "log",
      "restart",
      "memory",
      "extraHosts",
      "__proto__",
      "constructor",
      "toString",
      "x",
    );
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 0, -1, 1.5, "", "a", "10.0.0.1", "/a:/b", "<x>", "[]", "\u0007"),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 8 }), fc.boolean(), (document, raw) => {
        const made = raw
          ? { brand: "lx", docker: true, nics: document["networks"], internal_metadata: document, ...document }
          : document;
        onlyTold(() => prepareText(JSON.stringify(made), { name: "a.yaml" }));
      }),
      { numRuns: 1500 },
    );
  });

  test("text cut off anywhere", () => {
    const text = `image: a\nnetworks:\n  - {name: lan, ip: 10.0.0.7}\nenv: &e {A: "x", B: 'y'}\nlabels: *e\ncommand: [sh, -c, "echo \\u00e9"]\n`;
    for (let i = 0; i <= text.length; i++) onlyTold(() => prepareText(text.slice(0, i)));
  });

  test.each([
    "a: &a [*a]",
    "a: &a {b: *a}",
    "&a *a",
    "- *x",
    "<<: *a",
    "<<: [a]",
    "x: &x 1\n<<: *x",
    "x: &x [{a: 1}]\n<<: *x",
    "image: [",
    "\uFEFFimage: a\ncommand: [x]",
  ])("%j", (text) => {
    onlyTold(() => prepareText(text));
  });
});

test("names of built-in properties are unknown keys like others", () => {
  for (const key of ["constructor", "toString", "hasOwnProperty"])
    expect(() => readSpecs(`image: a\n${key}: 1\n`, "a.yaml")).toThrow(`unknown key "${key}"`);
});
