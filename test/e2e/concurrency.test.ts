// Two commands at once on one name: one wins, the other waits and then says so. Never two zones.
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

test("two runs of one name", async () => {
  const before = lab.callCount;
  const args = ["run", "-d", "--name", "single", "demo:1", "sleep", "300"];
  const outcomes = await Promise.all([lab.run(args), lab.run(args)]);
  expect(outcomes.map((o) => o.status).sort()).toEqual([0, 4]);
  const loser = outcomes.find((o) => o.status === 4)!;
  expect(loser.stderr).toContain('the name "single" is in use by zone');
  const creates = lab.calls(before).filter((c) => c.command === "vmadm" && c.args[0] === "create");
  expect(creates).toHaveLength(1);
  expect(lab.zoneUuids()).toHaveLength(1);
});

test("rm and stop at once on one container", async () => {
  const [stop, rm] = await Promise.all([lab.zonelet("stop", "-t", "1", "single"), lab.zonelet("rm", "-f", "single")]);
  expect(rm.status).toBe(0);
  expect([0, 3]).toContain(stop.status);
  expect(lab.zoneUuids()).toEqual([]);
  expect(lab.records()).toEqual([]);
});

test("many containers at once", async () => {
  const names = Array.from({ length: 6 }, (_, i) => `many-${i}`);
  const outcomes = await Promise.all(
    names.map((name) => lab.zonelet("run", "--rm", "--name", name, "demo:1", "echo", name)),
  );
  expect(outcomes.map((o) => o.stdout)).toEqual(names.map((name) => `${name}\n`));
  expect(lab.zoneUuids()).toEqual([]);
});
