// What takes longer of health checks: those that never end, and services that wait for others.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab, ZONELET } from "../support/lab.ts";

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

test("a check that does not end is killed in the zone, at its deadline", async () => {
  await ok("run", "-d", "--name", "stuck", "--health-cmd", "exec sleep 4321", "--health-timeout", "300ms", "--health-interval", "1h", "demo:1", "sh", "-c", "exec sleep 600"); // prettier-ignore
  const once = await lab.zonelet("health", "-o", "json", "stuck");
  expect(once.status).toBe(1);
  expect(JSON.parse(once.stdout)).toMatchObject({
    status: "starting",
    failingStreak: 1,
    check: { exitCode: -1, output: expect.stringContaining("exceeded timeout (300 ms)") as unknown },
  });
  expect(await ok("top", "stuck")).not.toContain("4321");
  await ok("rm", "-f", "stuck");
  await ok("run", "-d", "--name", "stuck", "--health-cmd", "exec sleep 4321", "--health-interval", "1h", "demo:1", "sh", "-c", "exec sleep 600"); // prettier-ignore
  // Whoever runs the check is killed: the check goes with it.
  const check = lab.spawn(ZONELET, ["health", "stuck"]);
  await eventually(async () => (await ok("top", "stuck")).includes("4321"), { within: 5_000, what: "the check runs" });
  check.kill("SIGKILL");
  await eventually(async () => !(await ok("top", "stuck")).includes("4321"), { within: 5_000, what: "it is gone" });
  await ok("rm", "-f", "stuck");
});

test("in a Compose file: what depends on a healthy service waits for it", async () => {
  const file = `services:
  app:
    image: demo:1
    command: [sleep, "600"]
    depends_on: { db: { condition: service_healthy } }
  db:
    image: demo:1
    command: [sh, -c, "sleep 1; echo > /tmp/up; exec sleep 600"]
    healthcheck: { test: "test -e /tmp/up", interval: 200ms, start_period: 30s, start_interval: 200ms }
`;
  writeFileSync(join(lab.work, "compose.yaml"), file);
  const run = await lab.zonelet("run", "-d", "-f", join(lab.work, "compose.yaml"));
  expect(run.status, run.stderr).toBe(0);
  expect(run.stderr).not.toContain("healthy");
  expect(await ok("ps")).toMatch(/\(healthy\)/);
});
