// How containers end and come back: stop signals and their time, exit codes, restart policies.
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

async function ok(...args: string[]): Promise<string> {
  const { stdout, stderr, status } = await lab.zonelet(...args);
  expect(status, `${args.join(" ")}: ${stderr}`).toBe(0);
  return stdout;
}

async function state(name: string): Promise<Record<string, unknown>> {
  const [one] = JSON.parse(await ok("inspect", name)) as { state: Record<string, unknown> }[];
  return one?.state ?? {};
}

/** Runs `script` with sleep as its child, so that traps are heard at once. */
const waiting = (traps: string): string[] => ["sh", "-c", `${traps}; echo up; while :; do sleep 600 & wait $!; done`];

async function up(name: string): Promise<void> {
  await eventually(async () => (await ok("logs", name)).includes("up"), { within: 5_000, what: `${name} has set its traps` }); // prettier-ignore
}

test("stop -t 0 kills at once, for good, and is shown as 137", async () => {
  await ok("run", "-d", "--name", "deaf", "--restart", "always", "demo:1", ...waiting('trap "" TERM'));
  await up("deaf");
  await ok("stop", "-t", "0", "deaf");
  expect(await state("deaf")).toMatchObject({
    phase: "exited",
    exitCode: 137,
    signal: "SIGKILL",
    platformExitStatus: 0,
    oomKilled: "unknown",
  });
  expect(await ok("wait", "deaf")).toBe("137\n");
});

test("on-failure:2 starts twice again and says so", async () => {
  await ok("run", "-d", "--name", "twice", "--restart", "on-failure:2", "demo:1", "sh", "-c", "exit 7");
  expect(await ok("wait", "twice")).toBe("7\n");
  expect(await state("twice")).toMatchObject({ exitCode: 7, restartCount: 2, restartsGivenUp: true });
});
