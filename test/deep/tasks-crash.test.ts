// SIGKILL of whoever works at every effect on the platform, its vmadm going on alone; then somebody else works. The task
// ends once, and the platform is as if nothing had happened.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const POINTS = [
  "vmadm.validate.end",
  "vmadm.create.begin",
  "vmadm.create.installed",
  "vmadm.create.end",
  "vmadm.start.begin",
  "vmadm.start.end",
  "vmadm.get.end",
];

test.each(POINTS.map((point, i) => ({ point, name: `c${i}` })))(
  "machine_create killed at $point",
  async ({ point, name }) => {
    const file = join(lab.work, "params.json");
    writeFileSync(file, JSON.stringify({ spec: { name, image: "demo:1", command: ["sleep", "300"] } }));
    const id = (await lab.zonelet("task", "submit", "machine_create", "-f", file)).stdout.trim();
    const killed = await lab.run(["task", "run"], { env: { LABHOST_FAILPOINTS: `${point}=1*killparent->off` } });
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    const worked = await lab.zonelet("task", "run");
    expect(worked, worked.stderr).toMatchObject({ status: 0 });
    const shown = JSON.parse((await lab.zonelet("task", "show", id, "-o", "json")).stdout) as {
      terminal: { status: string };
      events: { name: string }[];
    };
    expect(shown.terminal).toMatchObject({ status: "ok", result: { vm: { alias: name, state: "running" } } });
    expect(shown.events.filter(({ name: event }) => event === "finish")).toHaveLength(1);
    expect(lab.zoneUuids()).toHaveLength(1);
    expect(await lab.zonelet("rm", "-f", name)).toMatchObject({ status: 0 });
  },
);
