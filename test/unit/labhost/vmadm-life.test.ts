// start, stop, reboot, kill and delete on a runtime that is only remembered.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeLab, IMAGE, NOBODY, ZONE } from "./fake-vm-host.ts";

let lab: FakeLab;
beforeEach(() => {
  lab = new FakeLab();
});
afterEach(() => lab.remove());

describe("start and stop", () => {
  beforeEach(() => lab.create());

  test("start resets the restart count and leaves autoboot without a policy", async () => {
    expect(await lab.vmadm(["boot", ZONE])).toEqual({
      exit: 0,
      stdout: "",
      stderr: `Successfully started VM ${ZONE}\n`,
    });
    expect(await lab.get()).toMatchObject({
      state: "running",
      autoboot: false,
      boot_timestamp: "2025-05-02T09:15:04.000Z",
      internal_metadata: { "docker:restartcount": 0 },
    });
    expect(await lab.vmadm(["start", ZONE])).toMatchObject({
      exit: 0,
      stderr: `Unable to start VM ${ZONE}: VM ${ZONE} is already 'running'\n`,
    });
  });

  test("start sets autoboot where there is a policy, whatever it says", async () => {
    await lab.vmadm(["update", ZONE], { set_internal_metadata: { "docker:restartpolicy": "no" } });
    await lab.vmadm(["start", ZONE]);
    expect((await lab.get())["autoboot"]).toBe(true);
  });

  test("a boot that fails is told with zoneadm's words", async () => {
    lab.bootError = `zone '${ZONE}': could not mount /data`;
    expect(await lab.vmadm(["start", ZONE])).toMatchObject({
      exit: 1,
      stderr: `Unable to start VM ${ZONE}: first of 1 error: Command failed: zoneadm: zone '${ZONE}': could not mount /data\n`,
    });
  });

  test("stop sends TERM, halts in any case and clears autoboot", async () => {
    await lab.vmadm(["start", ZONE]);
    expect(await lab.vmadm(["stop", ZONE])).toMatchObject({
      exit: 0,
      stderr: `Successfully completed stop for VM ${ZONE}\n`,
    });
    expect(lab.asked).toEqual(["boot", "SIGTERM", "halt"]);
    expect(await lab.get()).toMatchObject({ state: "stopped", exit_status: -15, autoboot: false });
  });

  test("stop kills what does not listen", async () => {
    lab.lethal = ["SIGKILL"];
    await lab.vmadm(["start", ZONE]);
    await lab.vmadm(["stop", ZONE, "-t", "0.05"]);
    expect(lab.asked).toEqual(["boot", "SIGTERM", "SIGKILL", "halt"]);
    expect((await lab.get())["exit_status"]).toBe(-9);
  });

  test("stop of a zone that does not run succeeds and says so, with force it fails", async () => {
    const message = `VM ${ZONE} is already not 'running' (currently: stopped)`;
    await lab.vmadm(["update", ZONE], { autoboot: true });
    expect(await lab.vmadm(["stop", ZONE])).toEqual({ exit: 0, stdout: "", stderr: `${message}\n` });
    expect((await lab.get())["autoboot"]).toBe(false);
    expect(await lab.vmadm(["stop", "-F", ZONE])).toEqual({
      exit: 1,
      stdout: "",
      stderr: `first of 1 error: ${message}\n`,
    });
  });

  test("stop -F halts: exit status 0, not 137", async () => {
    await lab.vmadm(["start", ZONE]);
    expect((await lab.vmadm(["stop", ZONE, "-F"])).exit).toBe(0);
    expect((await lab.get())["exit_status"]).toBe(0);
  });

  test("reboot starts a stopped container, too", async () => {
    expect(await lab.vmadm(["reboot", ZONE])).toMatchObject({
      exit: 0,
      stderr: `Successfully completed reboot for VM ${ZONE}\n`,
    });
    await lab.vmadm(["reboot", ZONE]);
    expect(lab.asked).toEqual(["boot", "SIGTERM", "halt", "boot"]);
    await lab.vmadm(["stop", "-F", ZONE]);
    expect(await lab.vmadm(["reboot", "-F", ZONE])).toMatchObject({
      exit: 1,
      stderr: 'Cannot reset vm from state "stopped", must be "running".\n',
    });
  });

  test("delete takes a running zone along with everything of it", async () => {
    await lab.vmadm(["start", ZONE]);
    expect(await lab.vmadm(["destroy", ZONE])).toMatchObject({
      exit: 0,
      stderr: `Successfully deleted VM ${ZONE}\n`,
    });
    expect([...lab.datasets.keys()]).toEqual([`zones/${IMAGE}`, `zones/${IMAGE}@final`]);
    expect(existsSync(join(lab.root, "zones", ZONE))).toBe(false);
    expect(lab.running.size).toBe(0);
  });

  test("delete keeps what there is to read of a zone, where there is an archive", async () => {
    await lab.vmadm(["update", ZONE, "archive_on_delete=true"]);
    lab.addDataset("zones/archive");
    const root = join(lab.root, "zones", ZONE, "root");
    mkdirSync(join(lab.root, "zones", ZONE, "logs"));
    writeFileSync(join(lab.root, "zones", ZONE, "logs/stdio.log"), "{}\n");
    // A tenant's link out of the zone is followed within the zone, where it leads nowhere.
    rmSync(join(root, "var"), { recursive: true });
    mkdirSync(join(lab.root, "etc/log"));
    writeFileSync(join(lab.root, "etc/log/sdc-dockerinit.log"), "the node's own");
    symlinkSync(join(lab.root, "etc"), join(root, "var"));
    expect((await lab.vmadm(["delete", ZONE])).exit).toBe(0);
    const archive = join(lab.root, "zones/archive", ZONE);
    expect(JSON.parse(readFileSync(join(archive, "vm.json"), "utf8"))).toMatchObject({ uuid: ZONE, alias: "web-1" });
    expect(existsSync(join(archive, "config/metadata.json"))).toBe(true);
    expect(readdirSync(join(archive, "docker"))).toEqual([expect.stringMatching(/^stdio\.log\.\d{8}T\d{6}Z$/)]);
  });

  test("delete refuses an indestructible zone until the flag is cleared", async () => {
    await lab.vmadm(["update", ZONE, "indestructible_zoneroot=true"]);
    expect((await lab.get())["indestructible_zoneroot"]).toBe(true);
    expect(await lab.vmadm(["delete", ZONE])).toMatchObject({
      exit: 1,
      stderr: `Failed to delete VM ${ZONE}: indestructible_zoneroot is set, cannot delete\n`,
    });
    await lab.vmadm(["update", ZONE, "indestructible_zoneroot=false"]);
    expect((await lab.vmadm(["delete", ZONE])).exit).toBe(0);
  });

  test("delete refuses while another zone mounts its volumes", async () => {
    const source = `/zones/${ZONE}/volumes/5f0d6b0e-7e0f-4e3c-9a6d-6b5a9d2f7c10`;
    await lab.create({ uuid: NOBODY, filesystems: [{ source, target: "/data", type: "lofs" }] });
    expect((await lab.vmadm(["delete", ZONE])).stderr).toBe(
      `Failed to delete VM ${ZONE}: Unable to delete VM ${ZONE} the following VMs are sharing its volumes: ["${NOBODY}"]\n`,
    );
  });
});

describe("kill", () => {
  beforeEach(async () => {
    await lab.create();
    lab.lethal = [];
  });

  test.each<[string[], string, string]>([
    [[], "SIGTERM", "SIGTERM"],
    [["-s", "HUP"], "SIGHUP", "HUP"],
    [["-s", "SIGUSR1"], "SIGUSR1", "SIGUSR1"],
    [["-KILL"], "SIGKILL", "KILL"],
    [["-9"], "SIGKILL", "9"],
    [["-16"], "SIGUSR1", "16"],
    [["-23"], "SIGSTOP", "23"],
    [["-99"], "SIGTERM", "99"],
  ])("%j sends %s", async (args, sent, echoed) => {
    await lab.vmadm(["start", ZONE]);
    expect(await lab.vmadm(["kill", ...args, ZONE])).toEqual({
      exit: 0,
      stdout: "",
      stderr: `Sent signal "${echoed}" to init process for VM ${ZONE}\n`,
    });
    expect(lab.asked.at(-1)).toBe(sent);
  });

  test("a number after the uuid is not looked at, -s is", async () => {
    await lab.vmadm(["start", ZONE]);
    await lab.vmadm(["kill", ZONE, "-9"]);
    expect(lab.asked.at(-1)).toBe("SIGTERM");
    await lab.vmadm(["kill", ZONE, "-s", "KILL"]);
    expect(lab.asked.at(-1)).toBe("SIGKILL");
  });

  test("0 sends nothing", async () => {
    await lab.vmadm(["start", ZONE]);
    expect((await lab.vmadm(["kill", "-s", "0", ZONE])).exit).toBe(0);
    expect(lab.asked).toEqual(["boot"]);
  });

  test("an unknown name, and a zone that does not run", async () => {
    expect((await lab.vmadm(["kill", "-s", "FOO", ZONE])).stderr).toBe('Unknown signal "FOO"\n');
    expect((await lab.vmadm(["kill", ZONE])).stderr).toBe(`Cannot find running init PID for VM ${ZONE}\n`);
  });
});
