// How many calls of the platform's commands the verbs cost: each is a process of tens of milliseconds on a node.
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab, type Call } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const MUTATING = new Set(["create", "start", "stop", "delete", "update", "kill", "reboot"]);

function counted(calls: readonly Call[]): { readonly mutating: string[]; readonly reading: string[] } {
  const verbs = calls.filter((call) => call.command === "vmadm").map((call) => call.args[0] ?? "");
  return { mutating: verbs.filter((v) => MUTATING.has(v)), reading: verbs.filter((v) => !MUTATING.has(v)) };
}

test.each([
  ["in the foreground", ["run", "--name", "a", "demo:1", "true"]],
  ["detached", ["run", "-d", "--name", "b", "demo:1", "true"]],
])("a run %s costs two mutating and at most two reading vmadm calls", async (_name, args) => {
  const before = lab.callCount;
  expect((await lab.run(args)).status).toBe(0);
  const { mutating, reading } = counted(lab.calls(before));
  expect(mutating).toEqual(["create", "start"]);
  expect(reading.length).toBeLessThanOrEqual(2);
});

test("ps costs one call", async () => {
  const before = lab.callCount;
  await lab.zonelet("ps", "-a");
  const { mutating, reading } = counted(lab.calls(before));
  expect(mutating).toEqual([]);
  expect(reading).toHaveLength(1);
});
