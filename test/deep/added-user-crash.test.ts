// SIGKILL of `run --add-user` around `vmadm create`: until the zone's passwd file has the line, the platform would run the
// container as root. Nothing may start it in that state, and the same command again makes it right.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
  mkdirSync(join(lab.root, "data/out"), { recursive: true });
  chmodSync(join(lab.root, "data/out"), 0o777);
});
afterAll(() => lab.destroy());

const POINTS = [
  "vmadm.create.begin",
  "vmadm.create.configured",
  "vmadm.create.installed",
  "vmadm.create.finalized",
  "vmadm.create.end",
  "vmadm.start.begin",
  "vmadm.start.end",
];
const SCRIPT = "id -u >> /out/who; sleep 300";
const COMMAND = ["run", "-d", "--name", "late", "--add-user", "-u", "4711", "-v", "/data/out:/out", "demo:1"];

test.each(POINTS)("killed at %s", { timeout: 60_000 }, async (point) => {
  const who = join(lab.root, "data/out/who");
  rmSync(who, { force: true });
  const command = [...COMMAND, "sh", "-c", SCRIPT];
  const killed = await lab.run(command, { env: { LABHOST_FAILPOINTS: `${point}=1*killparent->off` } });
  expect(killed).toMatchObject({ signal: "SIGKILL" });
  // A zone whose making was cut short is not started by hand.
  if (point.startsWith("vmadm.create")) {
    const started = await lab.zonelet("start", "late");
    expect(started.status).not.toBe(0);
    expect(started.stderr).toMatch(/killed half-way|no container/);
  }
  const again = await lab.run(command, { timeoutMs: 60_000 });
  expect(again, again.stderr).toMatchObject({ status: 0 });
  expect(lab.zoneUuids()).toHaveLength(1);
  expect(lab.records()).toHaveLength(1);
  await eventually(() => existsSync(who) && readFileSync(who, "utf8") !== "", {
    what: "the container tells who it is",
  });
  expect(new Set(readFileSync(who, "utf8").trim().split("\n"))).toEqual(new Set(["4711"]));
  expect(await lab.zonelet("rm", "-f", "late")).toMatchObject({ status: 0 });
  expect(lab.zoneUuids()).toEqual([]);
  expect(lab.records()).toEqual([]);
});
