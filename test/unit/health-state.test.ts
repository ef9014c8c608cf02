// Docker's health states from results and times, and the script that runs a check inside a zone.
import { execFile, spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { parseHealthMark, type Healthcheck } from "../../agent/spec/healthcheck.ts";
import { GUARDED } from "../../agent/zones/health-probe.ts";
import { bootOf, dueAt, isStale, stateOf, withResult, type HealthState } from "../../agent/zones/health-state.ts";
import { eventually } from "../support/eventually.ts";
import { aVm } from "../support/builders.ts";

const BOOTED = Date.parse("2026-01-01T00:00:00Z");
const at = (ms: number): string => new Date(BOOTED + ms).toISOString();

function aCheck(overrides: Partial<Healthcheck> = {}): Healthcheck {
  const times = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5_000 };
  return { test: ["CMD", "check"], ...times, retries: 3, ...overrides };
}

/** `0 1 1`: exit codes of checks that each took a second, in the order of Docker's timer. */
function after(check: Healthcheck, codes: string): HealthState {
  return codes.split(" ").reduce(
    (state: HealthState, code) => {
      const start = dueAt(state, check, BOOTED) - BOOTED;
      return withResult(
        state,
        { start: at(start), end: at(start + 1_000), exitCode: Number(code), output: "" },
        check,
        BOOTED,
      );
    },
    stateOf("boot", undefined),
  );
}

describe("status", () => {
  test.each([
    ["1 1", {}, "starting", 2],
    ["1 1 1", {}, "unhealthy", 3],
    ["1 1 0", {}, "healthy", 0],
    ["0 1 1", {}, "healthy", 2],
    ["0 1 1 -1", {}, "unhealthy", 3],
    ["1 1 1 1 0", {}, "healthy", 0],
    ["1", { retries: 1 }, "unhealthy", 1],
    // Checks begin after 5, 11 and 17 seconds.
    ["1 1 1", { startPeriodMs: 20_000, retries: 1 }, "starting", 0],
    ["1 1 1 1", { startPeriodMs: 18_000, retries: 1 }, "unhealthy", 1],
    // A good one ends the grace.
    ["0 1", { startPeriodMs: 3_600_000, retries: 1 }, "unhealthy", 1],
  ] as const)("%s with %o is %s", (codes, overrides, status, failingStreak) => {
    expect(after(aCheck(overrides), codes)).toMatchObject({ status, failingStreak });
  });

  test("five results are kept, the newest last", () => {
    expect(after(aCheck(), "1 2 3 4 5 6 7").log.map(({ exitCode }) => exitCode)).toEqual([3, 4, 5, 6, 7]);
  });

  test("another boot begins anew", () => {
    const before = after(aCheck(), "1 1 1");
    expect(stateOf("boot", before)).toBe(before);
    expect(stateOf("next boot", before)).toMatchObject({ status: "starting", failingStreak: 0, log: [] });
    expect(bootOf(aVm({ state: "stopped" }))).toBeUndefined();
  });
});

test("checks are due an interval after the end of the last, more often in the start period until one was good", () => {
  const check = aCheck({ startPeriodMs: 20_000 });
  const due = (codes: string): number => dueAt(after(check, codes), check, BOOTED) - BOOTED;
  expect(dueAt(stateOf("boot", undefined), check, BOOTED) - BOOTED).toBe(5_000);
  expect(due("1")).toBe(11_000);
  expect(due("0")).toBe(36_000);
  expect(due("1 1 1")).toBe(23_000);
  expect(due("1 1 1 1")).toBe(54_000);
  expect(dueAt(stateOf("boot", undefined), aCheck(), BOOTED) - BOOTED).toBe(30_000);
});

test("a check that nobody ran in time makes the state unknown", () => {
  const check = aCheck();
  const state = after(check, "0");
  const due = dueAt(state, check, BOOTED);
  expect(isStale(state, check, BOOTED, due + 30_000)).toBe(false);
  expect(isStale(state, check, BOOTED, due + 41_000)).toBe(true);
});

test.each([
  undefined,
  7,
  "",
  "{",
  "[]",
  '{"test":["NONE"]}',
  JSON.stringify({ ...aCheck(), retries: 0 }),
  JSON.stringify({ ...aCheck(), test: ["CMD"] }),
])("a mark that is none asks for no checks: %s", (mark) => expect(parseHealthMark(mark)).toBeUndefined());

describe("the script around a check", () => {
  const run = (...argv: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const child = execFile("bash", ["-c", GUARDED, "health", ...argv], (error, stdout, stderr) =>
        resolve({ code: error ? error.code : 0, stdout, stderr }),
      );
      child.stdin?.on("error", () => undefined);
    });

  test("hands on words, streams and status, and says nothing itself", async () => {
    expect(await run("printf", "%s|", "a b", "$x", "'")).toEqual({ code: 0, stdout: "a b|$x|'|", stderr: "" });
    expect(await run("sh", "-c", "echo oops >&2; exit 3")).toEqual({ code: 3, stdout: "", stderr: "oops\n" });
    expect(await run("sh", "-c", "kill -TERM $$")).toMatchObject({ code: 143, stderr: "" });
    expect(await run("sh", "-c", "cat")).toMatchObject({ code: 0, stdout: "" }); // it has no stdin
    expect(await run("no-such-program")).toMatchObject({ code: 127 });
  });

  test("the end of stdin ends the check with all its children", async () => {
    const child = spawn("bash", ["-c", GUARDED, "health", "sh", "-c", "sleep 600 & echo $!; wait"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    let pid = 0;
    child.stdout.on("data", (chunk: Buffer) => (pid = Number(chunk.toString())));
    let code: number | null | undefined;
    child.on("exit", (status) => (code = status));
    await eventually(() => pid > 0, { within: 5_000, what: "the check's child runs" });
    child.stdin.end();
    await eventually(() => code === 137, { within: 5_000, what: "the script ends" });
    await eventually(() => !isAlive(pid), { within: 5_000, what: "the child is gone" });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
