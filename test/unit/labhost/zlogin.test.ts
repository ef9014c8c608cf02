import { expect, test } from "vitest";
import { asFunctionCall, parseCalls } from "../../../agent/labhost/commands/dockerexec-call.ts";
import { escapeFilter } from "../../../agent/labhost/commands/escape-filter.ts";
import { joinForSu } from "../../../agent/labhost/commands/zlogin.ts";

// dockerinit.md 9.1
test("only blanks make zlogin quote", () => {
  expect(joinForSu(["sh", "-c", "echo 'x y' $A", "a;b", ""])).toBe("sh -c 'echo 'x y' $A' a;b ");
});

test("calls of dockerexec arrive in pieces and with empty arguments", () => {
  expect(parseCalls("2\0ls\0\0" + "1\0i")).toEqual({ calls: [["ls", ""]], rest: "1\0i" });
  expect(parseCalls("1\0id\0")).toEqual({ calls: [["id"]], rest: "" });
  expect(parseCalls("0\0")).toEqual({ calls: [[]], rest: "" });
  expect(parseCalls("1")).toEqual({ calls: [], rest: "1" });
  expect(asFunctionCall("/native/usr/vm/sbin/dockerexec ls 'a b'")).toMatch(/; native_dockerexec ls 'a b'$/);
});

// dockerinit.md 6.5
test.each([
  ["plain", ["a~b\n"], "a~b\n", false],
  ["swallowed at the start of a line", ["~a\n~b\n"], "a\nb\n", false],
  ["doubled", ["~~\n"], "~\n", false],
  ["disconnects", ["x\n~.y"], "x\n", true],
  ["across chunks", ["x\r", "~", ".", "y"], "x\r", true],
])("the escape character: %s", (_, chunks, passed, disconnected) => {
  const filter = escapeFilter("~");
  let text = "";
  let gone = false;
  for (const chunk of chunks) {
    if (gone) break;
    const { pass, disconnect } = filter(Buffer.from(chunk));
    text += pass.toString();
    gone = disconnect;
  }
  expect({ text, gone }).toEqual({ text: passed, gone: disconnected });
});

test("without an escape character everything passes", () => {
  expect(escapeFilter(undefined)(Buffer.from("~.")).pass.toString()).toBe("~.");
});
