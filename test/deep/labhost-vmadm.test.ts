// The lab's vmadm with real zones: containers that run, end, are stopped and leave nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { IMAGE, VmadmLab } from "../support/vmadm-lab.ts";

const lab = new VmadmLab();
beforeAll(() => lab.init());
afterEach(() => lab.deleteZones());
afterAll(async () => {
  expect(lab.mounts()).toEqual([]);
  await lab.destroy();
});

describe("a container's life", () => {
  test("create, start, exit, get, delete", async () => {
    const uuid = await lab.create("exit 7");
    expect(await lab.get(uuid)).toMatchObject({ state: "stopped", zone_state: "installed" });
    expect(await lab.get(uuid)).not.toHaveProperty("exit_status");
    expect(await lab.vmadm(["start", uuid])).toMatchObject({ status: 0, stderr: `Successfully started VM ${uuid}\n` });
    expect(await lab.stopped(uuid)).toMatchObject({
      exit_status: 7,
      zoneid: null,
      internal_metadata: { "docker:restartcount": 0 },
    });
    expect(await lab.vmadm(["delete", uuid])).toMatchObject({ status: 0, stderr: `Successfully deleted VM ${uuid}\n` });
    expect(await lab.vmadm(["get", uuid])).toMatchObject({
      status: 1,
      stderr: `zoneadm: ${uuid}: No such zone configured\n`,
    });
  });

  test("start returns while the container runs; kill ends it with a negative illumos number", async () => {
    const uuid = await lab.create("sleep 60");
    await lab.vmadm(["start", uuid]);
    const vm = await lab.get(uuid);
    expect(vm).toMatchObject({ state: "running", zone_state: "running", init_restarts: 0 });
    expect(vm["pid"]).toBeTypeOf("number");
    expect(vm["boot_timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    expect(await lab.vmadm(["kill", "-s", "USR1", uuid])).toMatchObject({
      status: 0,
      stderr: `Sent signal "USR1" to init process for VM ${uuid}\n`,
    });
    expect(await lab.stopped(uuid)).toMatchObject({ exit_status: -16 });
  });

  test("stop with a limit kills what does not listen to TERM", async () => {
    const uuid = await lab.create("trap '' TERM; while :; do sleep 1; done");
    await lab.vmadm(["start", uuid]);
    const before = performance.now();
    expect(await lab.vmadm(["stop", uuid, "-t", "1"])).toMatchObject({ status: 0 });
    expect(performance.now() - before).toBeLessThan(8000);
    const vm = await lab.get(uuid);
    expect(vm["state"]).toBe("stopped");
    expect([-9, 0]).toContain(vm["exit_status"]); // the halt that follows may be first (vmadm.md 11)
  });

  test("stop -F counts as exit status 0", async () => {
    const uuid = await lab.create("sleep 60");
    await lab.vmadm(["start", uuid]);
    await lab.vmadm(["stop", uuid, "-F"]);
    expect(await lab.get(uuid)).toMatchObject({ state: "stopped", exit_status: 0 });
  });

  test("sees its files, its volume and its host name", async () => {
    const uuid = await lab.create("cat /etc/hostname /data/greeting > /data/seen; hostname >> /data/seen", {
      hostname: "web",
      filesystems: [{ source: "create-volume", target: "/data", type: "lofs" }],
    });
    await lab.vmadm(["start", uuid]);
    const vm = await lab.stopped(uuid);
    expect(vm["exit_status"]).toBe(0);
    const volume = (vm["filesystems"] as { source: string }[]).at(-1)!.source;
    expect(readFileSync(join(lab.root, volume, "seen"), "utf8")).toBe("web\nfrom the image\nweb\n");
  });

  test("delete ends a running container", async () => {
    const uuid = await lab.create("sleep 60");
    await lab.vmadm(["start", uuid]);
    const pid = (await lab.get(uuid))["pid"] as number;
    expect((await lab.vmadm(["delete", uuid])).status).toBe(0);
    expect(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")).toThrow();
  });

  test("autoboot waits until dockerinit is ready", async () => {
    const uuid = await lab.create("sleep 60", { autoboot: true });
    expect(await lab.get(uuid)).toMatchObject({ state: "running", autoboot: true });
    expect(readFileSync(lab.inside(uuid, "var/svc/provision_success"), "utf8")).toBe("");
  });

  test("autoboot without any command times out, fails and is halted", async () => {
    const payload = lab.container("", { autoboot: true, internal_metadata: {} });
    const run = await lab.vmadm(["create"], payload, { LABHOST_PROVISION_TIMEOUT_MS: "1000" });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain(`timed out waiting for /var/svc/provisioning to move for ${payload.uuid}`);
    expect(await lab.get(payload.uuid)).toMatchObject({ state: "failed", exit_status: 13 });
  });

  test("a filesystem source that is not there is found at boot", async () => {
    const uuid = await lab.create("true", { filesystems: [{ source: "/no/such", target: "/mnt", type: "lofs" }] });
    const run = await lab.vmadm(["start", uuid]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(
      new RegExp(`^Unable to start VM ${uuid}: first of 1 error: Command failed: zoneadm: zone `),
    );
    expect(await lab.get(uuid)).toMatchObject({ state: "stopped", zone_state: "installed" });
  });

  test("an unknown brand ends vmadm by SIGABRT", async () => {
    const run = await lab.vmadm(["create"], { ...lab.container("true"), brand: "zzz" });
    expect(run).toMatchObject({ signal: "SIGABRT", stdout: "" });
    expect(run.stderr).toContain("TypeError");
  });
});

describe("snapshots and reprovision", () => {
  test("rollback brings the files back and starts the zone", async () => {
    const uuid = await lab.create("echo changed > /data/greeting; sleep 60");
    expect((await lab.vmadm(["create-snapshot", uuid, "before"])).status).toBe(0);
    await lab.vmadm(["start", uuid]);
    const greeting = (): string => readFileSync(lab.inside(uuid, "data/greeting"), "utf8");
    await eventually(() => greeting() === "changed\n", { what: "the container's write" });
    await lab.vmadm(["update", uuid, "alias=later"]);
    expect(await lab.vmadm(["rollback-snapshot", uuid, "before"])).toMatchObject({
      status: 0,
      stderr: `Rolled back snapshot before for VM ${uuid}\n`,
    });
    expect(await lab.get(uuid)).toMatchObject({ state: "running", alias: "later" });
  });

  test("reprovision gives a fresh root and keeps tags", async () => {
    const uuid = await lab.create("echo x > /scratch; sleep 60", { tags: { a: "b" } });
    await lab.vmadm(["start", uuid]);
    writeFileSync(lab.inside(uuid, "left-over"), "");
    expect(await lab.vmadm(["reprovision", uuid], { image_uuid: IMAGE })).toMatchObject({
      status: 0,
      stderr: `Successfully reprovisioned VM ${uuid}\n`,
    });
    expect(await lab.get(uuid)).toMatchObject({ state: "running", tags: { a: "b" } });
    expect(() => readFileSync(lab.inside(uuid, "left-over"))).toThrow();
  });
});

describe("at the same time", () => {
  test("one of two creates with one uuid wins", async () => {
    const payload = lab.container("true");
    const runs = await Promise.all([lab.vmadm(["create"], payload), lab.vmadm(["create"], payload)]);
    expect(runs.map((run) => run.status).sort()).toEqual([0, 1]);
    const lost = runs.find((run) => run.status === 1)!;
    expect(lost.stderr).toMatch(/^(VM with UUID .* already exists|Command failed: .*already exists)\n$/);
  });

  test("updates of one zone do not lose each other's changes", async () => {
    const uuid = await lab.create("true");
    const keys = ["a", "b", "c", "d"];
    await Promise.all(keys.map((key) => lab.vmadm(["update", uuid], { set_tags: { [key]: true } })));
    expect((await lab.get(uuid))["tags"]).toEqual({ a: true, b: true, c: true, d: true });
  });
});
