import { describe, expect, it } from "vitest";
import { formatTable, humanSize, sortRows, splitList } from "../../../agent/labhost/commands/imgadm/table.ts";

describe("formatTable (imgadm.md 3)", () => {
  it("pads to the widest cell, trails nothing, shows - for what is missing and JSON for lists", () => {
    const rows = [
      { uuid: "u1", name: "long name", tags: ["1.0"], n: 0 },
      { uuid: "u22", name: null, tags: [] },
    ];
    expect(formatTable(["uuid", "name", "tags", "n"], rows, true)).toBe(
      'UUID  NAME       TAGS     N\nu1    long name  ["1.0"]  0\nu22   -          []       -\n',
    );
    expect(formatTable(["uuid", "name"], rows, false)).toBe("u1   long name\nu22  -\n");
  });

  it("is nothing at all without rows", () => {
    expect(formatTable(["uuid"], [], true)).toBe("");
  });
});

describe("sortRows", () => {
  const rows = [{ k: "b", n: 2 }, { n: 10 }, { k: "a", n: 10 }, { k: "b", n: 1 }];

  it("puts rows without the key first and goes on with the next key", () => {
    expect(sortRows(rows, ["k", "n"]).map(({ n }) => n)).toEqual([10, 10, 1, 2]);
  });

  it("reverses a key with a dash and compares numbers as numbers", () => {
    expect(sortRows(rows, ["-n"]).map(({ n }) => n)).toEqual([10, 10, 2, 1]);
  });

  it("reads lists of columns with stray blanks and commas", () => {
    expect(splitList("a, b,,c ")).toEqual(["a", "b", "c"]);
  });
});

describe("humanSize (imgadm.md 1)", () => {
  it.each([
    [0, "0 B"],
    [99, "99.0 B"],
    [1023, "1023.0 B"],
    [1024, "1.0 KiB"],
    [22_485_906, "21.4 MiB"],
    [2 ** 31 - 1, "1.9 GiB"],
  ])("%d bytes are %s: cut, not rounded", (bytes, text) => {
    expect(humanSize(bytes)).toBe(text);
  });
});
