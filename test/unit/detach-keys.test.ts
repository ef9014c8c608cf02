import { describe, expect, test } from "vitest";
import { detachFilter, parseDetachKeys } from "../../agent/cli/detach-keys.ts";

describe("detach keys", () => {
  test.each([
    ["ctrl-p,ctrl-q", [16, 17]],
    ["a", [97]],
    ["ctrl-@,ctrl-[,ctrl-_,~", [0, 27, 31, 126]],
    ["", []],
  ])("%j", (text, keys) => {
    expect(parseDetachKeys(text)).toEqual(keys);
  });

  test.each(["ctrl-", "ab", "ctrl-1", ",", "\n"])("refuses %j", (text) => {
    expect(() => parseDetachKeys(text)).toThrow("is no key to detach with");
  });

  test("what only begins like the keys is passed on whole, wherever it is cut", () => {
    const typed = Buffer.from("a\u0010b\u0010\u0010\u0010x\u0010\u0011rest");
    for (let cut = 0; cut <= typed.length; cut++) {
      const filter = detachFilter([16, 17]);
      const parts = [filter(typed.subarray(0, cut))];
      if (!parts[0]!.detach) parts.push(filter(typed.subarray(cut)));
      expect(Buffer.concat(parts.map(({ pass }) => pass)).toString()).toBe("a\u0010b\u0010\u0010\u0010x");
      expect(parts.at(-1)!.detach).toBe(true);
    }
  });

  test("no keys, no detaching", () => {
    expect(detachFilter([])(Buffer.from("\u0010\u0011"))).toEqual({ pass: Buffer.from("\u0010\u0011"), detach: false });
  });
});
