import { describe, expect, test } from "vitest";
import { decideRestart } from "../../../agent/labhost/runtime/restart-policy.ts";
import { dropsLethalSignal } from "../../../agent/labhost/runtime/signals.ts";
import { formatLastExited, statusOfFatal, statusOfSignal } from "../../../agent/labhost/runtime/wait-status.ts";

// dockerinit.md 5.1, 11 point 20
test.each([
  ["SIGTERM", 15],
  ["SIGUSR1", 16],
  ["SIGUSR2", 17],
  ["SIGBUS", 10],
  ["SIGSYS", 12],
  ["SIGXCPU", 30],
  ["SIGXFSZ", 31],
  ["SIGPROF", 29],
])("%s counts as illumos' %s", (signal, number) => {
  expect(statusOfSignal(signal)).toBe(number);
});

test("lastexited does not pad its microseconds", () => {
  expect(formatLastExited(1715679999005, 768)).toBe("1715679999.5000 768\n");
  expect(formatLastExited(1715679999081.034, 768)).toBe("1715679999.81034 768\n");
  expect(formatLastExited(1715679999000, -1)).toBe("1715679999.0 -1\n");
});

test("dockerinit's code 1 is an abort", () => {
  expect(statusOfFatal(1)).toBe(6);
  expect(statusOfFatal(17)).toBe(4352);
});

describe("signals a Linux init would not notice", () => {
  const status = (caught: bigint, ignored = 0n, blocked = 0n): string =>
    ["SigBlk", "SigIgn", "SigCgt"]
      .map((name, index) => `${name}:\t${[blocked, ignored, caught][index]?.toString(16).padStart(16, "0") ?? ""}\n`)
      .join("");
  const TERM = 1n << 14n;

  test.each<[string, string, NodeJS.Signals, boolean]>([
    ["nobody cares", status(0n), "SIGTERM", true],
    ["caught", status(TERM), "SIGTERM", false],
    ["ignored", status(0n, TERM), "SIGTERM", false],
    ["blocked", status(0n, 0n, TERM), "SIGTERM", false],
    ["another one caught", status(TERM), "SIGINT", true],
    ["harmless by default", status(0n), "SIGCHLD", false],
    ["the kernel's own business", status(0n), "SIGKILL", false],
  ])("%s", (_, text, signal, lethal) => {
    expect(dropsLethalSignal(text, signal)).toBe(lethal);
  });
});

// dockerinit.md 5.3
describe("restart policy", () => {
  const metadata = (policy: string, count?: number, delay?: number): Record<string, unknown> => ({
    "docker:restartpolicy": policy,
    ...(count !== undefined && { "docker:restartcount": count }),
    ...(delay !== undefined && { "docker:restartdelay": delay }),
  });
  const short = { ranForMs: 10, exitStatus: 1 };

  test.each([
    ["always, first time", metadata("always", 0), { ranForMs: 10, exitStatus: 0 }, { delayMs: 100, count: 1 }],
    ["the delay doubles with the count", metadata("always", 3), short, { delayMs: 800, count: 4 }],
    ["a recorded delay wins", metadata("always", 3, 1600), short, { delayMs: 1600, count: 4 }],
    [
      "a long run resets it",
      metadata("always", 9, 51200),
      { ranForMs: 10_001, exitStatus: 1 },
      { delayMs: 100, count: 10 },
    ],
    ["on-failure after success", metadata("on-failure", 0), { ranForMs: 10, exitStatus: 0 }, undefined],
    ["on-failure without a record", metadata("on-failure", 0), { ranForMs: 10, exitStatus: undefined }, undefined],
    [
      "on-failure after a signal",
      metadata("on-failure", 0),
      { ranForMs: 10, exitStatus: -9 },
      { delayMs: 100, count: 1 },
    ],
    ["below the limit", metadata("on-failure:2", 1), short, { delayMs: 200, count: 2 }],
    ["at the limit", metadata("on-failure:2", 2), short, undefined],
    ["unless-stopped is not handled", metadata("unless-stopped"), short, undefined],
    ["no policy", {}, short, undefined],
  ])("%s", (_, given, last, expected) => {
    expect(decideRestart(given, last)).toEqual(expected);
  });
});
