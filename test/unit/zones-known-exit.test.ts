// How a run ended, from the platform's fields, its file and our record; and when the next one begins.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { restartDelayMs } from "../../agent/docker-view/restart-policy.ts";
import { hostPaths } from "../../agent/host/paths.ts";
import { createEndGuard, knownExit } from "../../agent/zones/known-exit.ts";
import { aRecord, aVm, UUID } from "../support/builders.ts";

const root = mkdtempSync(join(tmpdir(), "zl-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const paths = hostPaths(root);
const lastExited = join(root, "zones", UUID, "lastexited");
mkdirSync(join(root, "zones", UUID), { recursive: true });

const ended = (status: number, at = "2026-01-01T00:00:10.000Z") => aVm({ exit_status: status, exit_timestamp: at });
const KILLED = { from: "2026-01-01T00:00:08.000Z", until: "2026-01-01T00:00:11.000Z" };

describe("exit code", () => {
  test.each([
    ["our kill, which the platform shows as 0", ended(0), KILLED, -1, 137],
    ["a kill whose writer died", ended(0), { from: KILLED.from }, -1, 137],
    ["no kill of ours", ended(0), undefined, -1, 0],
    ["a run after it", ended(0, "2026-01-01T00:00:20.000Z"), KILLED, -1, 0],
    ["a run before it", ended(0, "2026-01-01T00:00:01.000Z"), KILLED, -1, 0],
    ["the program was quicker", ended(0), KILLED, 0, 0],
    ["the program's own code", ended(3), KILLED, 768, 3],
    ["a status that tells the signal itself", ended(-9), KILLED, 9, 137],
  ])("%s", (_what, vm, killed, raw, code) => {
    writeFileSync(lastExited, `1767225610.5000 ${raw}\n`);
    expect(knownExit(vm, aRecord({ killed }), paths)?.code).toBe(code);
  });

  test("none while it runs; without the file the record decides", () => {
    expect(knownExit(aVm({ state: "running" }), aRecord({ killed: KILLED }), paths)).toBeUndefined();
    rmSync(lastExited);
    expect(knownExit(ended(0), aRecord({ killed: KILLED }), paths)?.code).toBe(137);
    expect(knownExit(ended(0), undefined, paths)?.code).toBe(0);
  });
});

test("an end from before the start that was seen is the previous run's", () => {
  const guard = createEndGuard();
  expect(guard(aVm({ state: "running", boot_timestamp: "2026-01-01T00:00:15.000Z" }))).toBe(false);
  expect(guard(ended(1))).toBe(false);
  expect(guard(ended(2, "2026-01-01T00:00:15.200Z"))).toBe(true);
  expect(createEndGuard()(ended(1))).toBe(true); // nobody saw it run
});

test.each([
  [{ recorded: undefined, restartCount: 0, ranForMs: 5 }, 100],
  [{ recorded: undefined, restartCount: 3, ranForMs: 5 }, 800],
  [{ recorded: 1600, restartCount: 4, ranForMs: 10_000 }, 1600],
  [{ recorded: 1600, restartCount: 4, ranForMs: 10_001 }, 100],
  [{ recorded: 1600, restartCount: 4, ranForMs: undefined }, undefined],
])("the next start of %o is after %s ms", (run, ms) => {
  expect(restartDelayMs(run)).toBe(ms);
});
