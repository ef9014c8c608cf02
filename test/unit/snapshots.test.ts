import { describe, expect, test } from "vitest";
import { containerChanges, parseDiffLine, type DatasetChange } from "../../agent/snapshots/zfs-diff.ts";

const ROOT = "/zones/z/root";

function changes(lines: readonly string[], below: Readonly<Record<string, string[]>> = {}): string[] {
  const list = containerChanges(lines.map(parseDiffLine), ROOT, (directory) => below[directory] ?? []);
  return list.map(({ kind, path }) => `${kind} ${path}`);
}

test("lines of zfs diff -FH", () => {
  expect(parseDiffLine("+\tF\t/zones/z/root/a\\0040b\\0303\\0251")).toEqual<DatasetChange>({
    change: "+",
    type: "F",
    path: "/zones/z/root/a bé",
  });
  expect(parseDiffLine("M\tF\t/zones/z/root/a\t(+1)")).toEqual({ change: "M", type: "F", path: "/zones/z/root/a" });
  expect(parseDiffLine("R\t/\t/zones/z/root/a\t/zones/z/root/b")).toMatchObject({ change: "R", to: "/zones/z/root/b" });
  for (const bad of ["", "Unable to obtain diffs", "X\tF\t/a", "+\tF\trelative", "R\tF\t/only", "+\tFF\t/a"])
    expect(() => parseDiffLine(bad)).toThrow("zfs diff printed");
});

describe("what Docker would list", () => {
  test.each<[string, string[], string[]]>([
    ["directories that lead to a change", [`+\tF\t${ROOT}/etc/ssl/new`], ["C /etc", "C /etc/ssl", "A /etc/ssl/new"]],
    [
      "the root itself, and what is beside it, is not told",
      [`M\t/\t${ROOT}`, `M\t/\t${ROOT}/`, "+\tF\t/zones/z/logs/stdio.log", "M\t/\t/zones/z"],
      [],
    ],
    [
      "a deleted directory stands for what was in it",
      [`-\t/\t${ROOT}/a`, `-\tF\t${ROOT}/a/b`, `-\t/\t${ROOT}/a/c`, `-\tF\t${ROOT}/a/c/d`],
      ["D /a"],
    ],
    ["a new directory with its content", [`+\t/\t${ROOT}/a`, `+\tF\t${ROOT}/a/b`], ["A /a", "A /a/b"]],
    ["a file in another's place", [`-\tF\t${ROOT}/a`, `+\tF\t${ROOT}/a`], ["C /a"]],
    ["a renamed file", [`R\tF\t${ROOT}/a\t${ROOT}/b/c`], ["D /a", "C /b", "A /b/c"]],
    ["moved out of the root", [`R\tF\t${ROOT}/a\t/zones/z/x`], ["D /a"]],
    ["a new mode", [`M\tF\t${ROOT}/a`], ["C /a"]],
  ])("%s", (_, lines, expected) => {
    expect(changes(lines)).toEqual(expected);
  });

  test("a renamed directory, whose content zfs passes over", () => {
    expect(changes([`R\t/\t${ROOT}/old\t${ROOT}/new`], { "/new": ["/new/x", "/new/x/y"] })).toEqual([
      "A /new",
      "A /new/x",
      "A /new/x/y",
      "D /old",
    ]);
  });
});
