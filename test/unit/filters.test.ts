import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { fields, map, text } from "../../agent/filters/adaptors.ts";
import { DockerFilters } from "../../agent/filters/docker-args.ts";
import { filterContainers } from "../../agent/filters/docker-containers.ts";
import { compileFilters } from "../../agent/filters/evaluate.ts";
import { compileExpression, MAX_EXPRESSION } from "../../agent/filters/expression.ts";
import { FilterProblem, parseFilter, parseFilters, type Selector } from "../../agent/filters/parse.ts";

// A second, plain evaluator, to compare ours with.
interface Thing {
  readonly name?: string;
  readonly other?: string;
  readonly labels?: Readonly<Record<string, string>>;
}
const adaptor = fields<Thing>({ name: text((t) => t.name), other: text((t) => t.other), labels: map((t) => t.labels) });

function holds(thing: Thing, { path, operator, value }: Selector): boolean {
  const [first, ...rest] = path;
  let actual: string | undefined;
  if (first === "name" || first === "other") actual = thing[first] === "" ? undefined : thing[first];
  if (first === "labels" && Object.keys(thing.labels ?? {}).includes(rest.join(".")))
    actual = thing.labels?.[rest.join(".")];
  if (operator === "present") return actual !== undefined;
  if (operator === "==") return actual === value;
  if (operator === "!=") return (actual ?? "") !== value;
  return (actual ?? "").includes(value);
}

const words = fc.constantFrom(
  "",
  "web",
  "db",
  "a b",
  "x,y",
  '"',
  "\\",
  "牛",
  "/var/lib",
  "a|b",
  "é",
  "__proto__",
  "tier",
);
const things = fc.record(
  { name: words, other: words, labels: fc.dictionary(words, words, { maxKeys: 3 }) },
  { requiredKeys: [] },
);
const quoted = (value: string): string => `"${value.replace(/[\\"]/g, "\\$&")}"`;
const selectors: fc.Arbitrary<Selector> = fc.record({
  path: fc.oneof(
    fc.constantFrom("name", "other", "nosuch").map((name) => [name]),
    words.map((key) => ["labels", key]),
  ),
  operator: fc.constantFrom("present" as const, "==" as const, "!=" as const, "~=" as const),
  value: words,
});

test("a filter and a plain evaluator agree on any object", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(selectors, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
      things,
      (lists, thing) => {
        const texts = lists.map((list) =>
          list
            .map(({ path, operator, value }) => {
              const field = path.map((part) => quoted(part)).join(".");
              if (operator === "present") return field;
              // As an expression the value is taken literally; as a quoted one its backslashes are written twice.
              const literal = operator === "~=" ? value.replace(/[\\|]/g, "\\$&") : value;
              return `${field} ${operator} ${quoted(literal)}`;
            })
            .join(", "),
        );
        const expected =
          lists.length === 0 || lists.some((list) => list.every((selector) => holds(thing, { ...selector })));
        expect(compileFilters(parseFilters(texts), adaptor)(thing), texts.join(" OR ")).toBe(expected);
      },
    ),
    { numRuns: 1000 },
  );
});

test("no input raises anything but the parser's own error, whose position lies in the input", () => {
  const pieces = fc.constantFrom(
    "name",
    "labels",
    ".",
    ",",
    "==",
    "!=",
    "~=",
    "=",
    '"',
    "/",
    "|",
    "\\",
    "\\x",
    "\\u00",
    "\n",
    "\0",
    " ",
    "牛",
    "\ud800",
    "7",
  );
  const input = fc.oneof(
    fc.array(pieces, { maxLength: 20 }).map((list) => list.join("")),
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 60 }),
  );
  fc.assert(
    fc.property(input, (given) => {
      try {
        parseFilter(given);
      } catch (error) {
        expect(error).toBeInstanceOf(FilterProblem);
        const length = Buffer.from(typeof given === "string" ? Buffer.from(given) : given).length;
        expect((error as FilterProblem).position).toBeLessThanOrEqual(length);
        expect((error as FilterProblem).detail).not.toBe("");
      }
    }),
    { numRuns: 5000 },
  );
});

test("an input of a megabyte is read once, not once for each of its characters", () => {
  const size = 1 << 20;
  // Were any of these quadratic, it would take hours, and the test's deadline would end it.
  for (const piece of ["a", "a.", "a==b,", "=", '"', "\\", "name==", "|", "牛", " "]) {
    const given = piece.repeat(Math.ceil(size / piece.length));
    for (const text of [given, `name==${given}`, `name~="${given}"`]) {
      try {
        parseFilter(text);
      } catch (error) {
        expect(error).toBeInstanceOf(FilterProblem);
      }
    }
  }
});

test("expressions that take others exponential time take us linear time", () => {
  const long = "a".repeat(100_000);
  for (const hostile of ["(a+)+$", "(a|aa)+b", "(a*)*c", "(.*)(.*)(.*)(.*)[^a]$"]) {
    expect(compileExpression(hostile)(`${long}!`)).toBe(hostile.endsWith("[^a]$"));
  }
});

test("an expression that is too long or malformed is told and matches nothing", () => {
  const told: string[] = [];
  for (const bad of ["(", "a".repeat(MAX_EXPRESSION + 1), "a{1001}", "(?=a)"]) {
    expect(compileExpression(bad, (e) => told.push(e))("aaaa")).toBe(false);
  }
  expect(told).toHaveLength(4);
});

test("errors of a list carry containerd's text and say which filter, where, and what to do", () => {
  try {
    parseFilters(["name==a", "topic==/tasks/exit"]);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(AgentError);
    const { message, hint, details, code } = error as AgentError;
    expect(code).toBe("FILTER_INVALID");
    expect(message).toBe(
      "filters: parse error: [topic== >|/|< tasks/exit]: invalid quote encountered: invalid argument",
    );
    expect(details).toEqual({ filterIndex: 1, position: 7, detail: "invalid quote encountered" });
    expect(hint).toContain('topic=="/tasks/exit"');
  }
});

describe("docker's list", () => {
  const list = [
    { id: "aa11", name: "/web", state: "running", labels: {}, createdMs: 2, published: ["80/tcp"], volumes: ["data"] },
    {
      id: "aa22",
      name: "/db",
      state: "exited",
      labels: {},
      createdMs: 1,
      exitCode: 137,
      ancestors: ["redis:7", "redis"],
    },
    { id: "bb33", name: "/job", state: "exited", labels: {}, createdMs: 3, exitCode: 0 },
  ];
  const names = (options: string[], all = true): string[] =>
    filterContainers(list, { all, filters: DockerFilters.fromOptions(options) }).map((c) => c.name.slice(1));

  test.each([
    [["exited=137"], ["db"]],
    [
      ["exited=137", "exited=0"],
      ["db", "job"],
    ],
    [["before=web"], ["db"]],
    [["since=web"], ["job"]],
    [["since=bb"], []],
    [["id=aa"], []],
    [["id=aa1"], ["web"]],
    [["publish=80"], ["web"]],
    [["publish=70-90/udp"], []],
    [["expose=80"], []],
    [["ancestor=redis"], ["db"]],
    [["volume=data"], ["web"]],
    [["is-task=true"], []],
    [["is-task=0", "name=^w"], ["web"]],
  ])("%j", (options, expected) => {
    expect(names(options)).toEqual(expected);
  });

  test.each([
    [["nmae=x"], "invalid filter 'nmae'", 'did you mean "name"?'],
    [["status=up"], "invalid filter 'status=up'", "a status is one of"],
    [["exited=x"], "invalid filter 'exited=x'", "whole number"],
    [["publish=0"], "invalid filter 'publish=0'", "PORT"],
    [["is-task=true", "is-task=false"], "invalid filter 'is-task=true, false'", "one of them"],
    [["since=nobody"], 'no container "nobody"', ""],
    [["name"], 'invalid argument "name" for a filter', "name=value"],
  ])("%j is refused", (options, message, hint) => {
    try {
      names(options);
      expect.unreachable();
    } catch (error) {
      expect((error as AgentError).message).toContain(message);
      expect((error as AgentError).hint ?? "").toContain(hint);
    }
  });
});
