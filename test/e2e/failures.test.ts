// A create that fails leaves nothing: no zone, no dataset, no record; the message says where, why, and what was undone.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

async function datasets(): Promise<string[]> {
  const { stdout } = await lab.platform("zfs", "list", "-H", "-o", "name", "-t", "filesystem");
  return stdout.trim().split("\n");
}

const STEPS = ["parsed", "validated", "configured", "installed", "finalized"];

describe("a failing create leaves nothing", () => {
  test.each([
    ...STEPS.map((place) => ({ point: `vmadm.create.${place}`, step: "create" })),
    { point: "vmadm.start.begin", step: "start" },
    { point: "zoneadm.boot.begin", step: "start" },
    { point: "zoneadm.boot.network", step: "start" },
  ])("$point", async ({ point, step }) => {
    const before = await datasets();
    const run = await lab.run(["run", "-d", "--name", "doomed", "demo:1", "sleep", "60"], {
      env: { LABHOST_FAILPOINTS: `${point}=error(the platform says no)` },
    });
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain(`create doomed: failed at step "${step}"`);
    expect(run.stderr).toContain("the platform says no");
    expect(run.stderr).toContain("undone: zone, dataset, record");
    expect(lab.zoneUuids()).toEqual([]);
    expect(lab.records()).toEqual([]);
    expect(await datasets()).toEqual(before);
  });

  test("--keep-failed keeps it, and rm clears it", async () => {
    const run = await lab.run(["run", "-d", "--keep-failed", "--name", "kept", "demo:1"], {
      env: { LABHOST_FAILPOINTS: "vmadm.start.begin=error(no)" },
    });
    expect(run.stderr).toMatch(/kept for inspection: zone [0-9a-f-]{36}/);
    expect(lab.zoneUuids()).toHaveLength(1);
    expect(await lab.zonelet("rm", "kept")).toMatchObject({ status: 0 });
    expect(lab.zoneUuids()).toEqual([]);
    expect(lab.records()).toEqual([]);
  });

  test("a failing undo says how to clear up, and rm does", async () => {
    const run = await lab.run(["run", "-d", "--name", "stuck", "demo:1"], {
      env: { LABHOST_FAILPOINTS: "vmadm.start.begin=error(no);vmadm.delete.begin=error(not now)" },
    });
    expect(run.stderr).toContain('run "zonelet rm -f stuck"');
    expect(await lab.zonelet("rm", "-f", "stuck")).toMatchObject({ status: 0 });
    expect(lab.zoneUuids()).toEqual([]);
    expect(lab.records()).toEqual([]);
  });
});

describe("refused before anything is made", () => {
  test.each([
    { name: "a missing nic tag", args: ["--net", "dmz"], stderr: /network.*"dmz"/ },
    {
      name: "a missing lofs source",
      args: ["-v", "/data/nowhere:/x"],
      stderr: /volume source \/data\/nowhere does not exist/,
    },
    { name: "a source outside the allowed roots", args: ["-v", "/etc:/x"], stderr: /\/etc/ },
    { name: "too little memory", args: ["-m", "1m"], stderr: /--memory/ },
    {
      name: "an address that is none",
      args: ["--net", "admin", "--ip", "10.0.0.264"],
      stderr: /--ip: 10\.0\.0\.264 is not an IPv4 address/,
    },
    { name: "a user the image does not know", args: ["-u", "4711"], stderr: /4711/ },
  ])("$name", async ({ args, stderr }) => {
    const before = lab.callCount;
    const run = await lab.zonelet("run", "-d", ...args, "demo:1");
    expect(run.status).not.toBe(0);
    expect(run.stderr).toMatch(stderr);
    expect(
      lab.calls(before).filter((c) => c.command === "vmadm" && ["create", "delete"].includes(c.args[0] ?? "")),
    ).toEqual([]);
    expect(lab.records()).toEqual([]);
  });

  test("a nic tag the node does not have is told by the platform and undone", async () => {
    const run = await lab.run(["run", "-d", "--name", "tagless", "--net", "ghost", "demo:1"], {
      env: { ZONELET_CONFIG: ghostConfig() },
    });
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain("ghost");
    expect(lab.zoneUuids()).toEqual([]);
    expect(lab.records()).toEqual([]);
  });
});

test("a clean-up that fails is told, and does not replace the container's status", async () => {
  const run = await lab.run(["run", "--rm", "--name", "sticky", "demo:1", "sh", "-c", "echo out; exit 3"], {
    env: { LABHOST_FAILPOINTS: "vmadm.delete.begin=error(dataset is busy)" },
  });
  expect(run).toMatchObject({ status: 3, stdout: "out\n" });
  expect(run.stderr).toMatch(/dataset is busy\n.*"zonelet rm sticky" deletes it\n$/s);
  expect(await lab.zonelet("rm", "sticky")).toMatchObject({ status: 0 });
  expect(lab.records()).toEqual([]);
});

test("no mount and no overlay of a failed zone stays", () => {
  const overlays = join(lab.root, "lab/overlay");
  expect(existsSync(overlays) ? readdirSync(overlays) : []).toEqual([]);
});

function ghostConfig(): string {
  const file = join(lab.work, "ghost.yaml");
  writeFileSync(file, "version: 1\nnetworks:\n  ghost: { nicTag: ghost, subnet: 10.9.0.0/24 }\n");
  return file;
}
