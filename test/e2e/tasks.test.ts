// Tasks by hand on a lab host: the same journal, lanes and handlers that head nodes' requests go through.
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { outcome, TestLab, ZONELET, type Outcome } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

let files = 0;
function params(value: unknown): string[] {
  const file = join(lab.work, `params-${++files}.json`);
  writeFileSync(file, JSON.stringify(value));
  return ["-f", file];
}
const submit = (task: string, value: unknown = {}, ...more: string[]): Promise<Outcome> =>
  lab.zonelet("task", "submit", task, ...params(value), ...more);
const journal = (): string => {
  const directory = join(lab.root, "var/db/zonelet/tasks");
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .map((name) => readFileSync(join(directory, name), "utf8"))
    .join("\n");
};

test("a container is made, looked at, kept, stopped and destroyed; repeats do nothing", async () => {
  const uuid = "5f0e6c1e-7c55-4a6e-9a62-1f4f3d2b8a01";
  const id = "0b7f5f5e-0000-4000-8000-000000000001";
  const spec = { name: "web", image: "demo:1", command: ["sleep", "300"], env: { PASSWORD: "hunter22" } };
  const created = await submit("machine_create", { uuid, spec }, "--id", id, "--wait");
  expect(created, created.stderr).toMatchObject({ status: 0 });
  expect(JSON.parse(created.stdout)).toMatchObject({
    taskId: id,
    status: "ok",
    result: { vm: { uuid, state: "running" } },
  });
  expect(created.stderr).toContain("start:ensure_image");
  expect(created.stdout).not.toContain("hunter22");

  const calls = lab.callCount;
  const again = await submit("machine_create", { uuid, spec }, "--id", id, "--wait");
  expect(again.stdout).toBe(created.stdout);
  expect(lab.callCount).toBe(calls);
  expect(await submit("machine_create", { uuid, spec: { ...spec, name: "other" } }, "--id", id)).toMatchObject({
    status: 4,
  });

  expect(await submit("machine_create_snapshot", { uuid, snapshot_name: "one" }, "--wait")).toMatchObject({
    status: 0,
  });
  expect(await submit("machine_shutdown", { uuid, timeout: 1 }, "--wait")).toMatchObject({ status: 0 });
  const loaded = await submit("machine_load", { uuid }, "--wait");
  expect(JSON.parse(loaded.stdout)).toMatchObject({ result: { state: "stopped", snapshots: [{ name: "one" }] } });
  expect(loaded.stdout).not.toContain("hunter22");
  for (let i = 0; i < 2; i++) expect(await submit("machine_destroy", { uuid }, "--wait")).toMatchObject({ status: 0 });
  expect(lab.zoneUuids()).toEqual([]);
  expect(lab.records()).toEqual([]);
  expect(journal()).not.toContain("hunter22");
  expect(statSync(join(lab.root, "var/db/zonelet/tasks.key")).mode & 0o777).toBe(0o600);
  expect((await lab.zonelet("task", "show", id)).stdout).toContain("spec: (sealed)");
});

test("a task waits for whoever works; it can be called off; a killed worker's tasks are taken up", async () => {
  const waiting = (await submit("nop")).stdout.trim();
  expect(JSON.parse((await lab.zonelet("task", "ls", "-n", "0", "-o", "json")).stdout)).toMatchObject([
    { taskId: waiting, state: "accepted" },
  ]);
  expect(await lab.zonelet("task", "cancel", waiting)).toMatchObject({ status: 0, stdout: "cancelled\n" });
  expect(await lab.zonelet("task", "cancel", waiting)).toMatchObject({ status: 4 });

  const long = (await submit("nop", { sleep: 600 })).stdout.trim();
  const worker = lab.spawn(ZONELET, ["task", "run"]);
  const ended = outcome(worker);
  const state = async (): Promise<string> => (await lab.zonelet("task", "show", long)).stdout;
  await eventually(async () => (await state()).includes("state: running"), { what: "the task runs" });
  // Another process's task is done by the one that works.
  expect(await submit("nop", {}, "--wait")).toMatchObject({ status: 0 });
  worker.kill("SIGKILL");
  await ended;
  expect(await lab.zonelet("task", "cancel", long)).toMatchObject({ status: 0, stdout: "cancelling\n" });
  expect(await lab.zonelet("task", "run")).toMatchObject({ status: 0 });
  expect(await state()).toContain("status: cancelled");
});

test("what is wrong is said, and what it means", async () => {
  for (const [task, value, status, words] of [
    ["nopp", {}, 8, "did you mean nop?"],
    ["machine_boot", { uuid: "-F" }, 2, "params.uuid: not a lower-case uuid"],
    ["machine_create", {}, 2, 'give either "payload" or "spec"'],
    ["machine_boot", { uuid: "5f0e6c1e-7c55-4a6e-9a62-1f4f3d2b8a02" }, 3, ""],
  ] as const) {
    const refused = await submit(task, value, "--wait");
    expect(refused.stderr).toContain(words);
    expect(refused.status).toBe(status);
    if (status === 3)
      expect(JSON.parse(refused.stdout)).toMatchObject({ status: "failed", error: { code: "ZONE_NOT_FOUND" } });
  }
});
