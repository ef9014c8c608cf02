// The subcommands on a lab whose zones are only remembered: wording, stream, exit status and what is left behind.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { containerPayload, FakeLab, IMAGE, ZONE } from "./fake-vm-host.ts";

let lab: FakeLab;
beforeEach(() => {
  lab = new FakeLab();
});
afterEach(() => lab.remove());

async function created(changes: Payload = {}): Promise<void> {
  const payload = containerPayload(changes);
  const run = await lab.vmadm(["create"], payload);
  expect(run).toEqual({ exit: 0, stdout: "", stderr: `Successfully created VM ${payload["uuid"] as string}\n` });
}

const NOBODY = "11111111-2222-4333-8444-555555555555";

describe("a uuid nobody knows", () => {
  test.each([
    [["get", NOBODY], `zoneadm: ${NOBODY}: No such zone configured`],
    [["start", NOBODY], `Unable to start VM ${NOBODY}: bad statusCode: 404`],
    [["info", NOBODY], `Unable to get VM info for VM ${NOBODY}: bad statusCode: 404`],
    [["kill", NOBODY], "bad statusCode: 404"],
    [["reboot", NOBODY], "bad statusCode: 404"],
    [["reboot", NOBODY, "-F"], "bad statusCode: 404"],
    [["stop", NOBODY, "-F"], "bad statusCode: 404"],
    [["console", NOBODY], "bad statusCode: 404"],
    [["sysrq", NOBODY, "nmi"], "bad statusCode: 404"],
    [["rollback-snapshot", NOBODY, "a"], "bad statusCode: 404"],
    [["stop", NOBODY], `VM ${NOBODY} not found`],
    [["update", NOBODY], `VM ${NOBODY} not found`],
    [["create-snapshot", NOBODY, "a"], `VM ${NOBODY} not found`],
    [["delete-snapshot", NOBODY, "a"], `VM ${NOBODY} not found`],
    [["events", NOBODY], `VM ${NOBODY} not found`],
    [["delete", NOBODY], `Failed to delete VM ${NOBODY}: VM ${NOBODY} not found`],
    [["reprovision", NOBODY], `Failed to reprovision VM ${NOBODY}: VM ${NOBODY} not found`],
  ])("%j", async (args, message) => {
    expect(await lab.vmadm(args, "{}")).toEqual({ exit: 1, stdout: "", stderr: `${message}\n` });
  });
});

describe("use", () => {
  test.each([
    [["frob"], 'Invalid command: "frob".'],
    [["get"], "Invalid or missing UUID for get"],
    [["get", "-x", ZONE], "Invalid or missing UUID for get"],
    [["json", "web-1"], "Invalid or missing UUID for get"],
    [["start", ZONE, "order=cd"], "Invalid argument to start: order"],
    [["kill", ZONE.toUpperCase()], "Invalid or missing argument UUID"],
    [["kill", ZONE, "x"], 'Unexpected args: ["x"]'],
    [["kill", ZONE, "x", "y"], "Too many arguments."],
    [["validate"], "Will not validate without a valid action."],
    [["validate", "update"], "Will not validate without a valid action and brand."],
    [["create-snapshot", ZONE], 'Wrong number of parameters to "create-snapshot"'],
    [["sysrq", ZONE, "x"], "Invalid sysrq type: x"],
  ])("%j is wrong use: message and usage on stderr, exit 2", async (args, message) => {
    const run = await lab.vmadm(args, "{}");
    expect(run.exit).toBe(2);
    expect(run.stdout).toBe("");
    expect(run.stderr.split("\n").slice(0, 2)).toEqual([message, "Usage: /usr/sbin/vmadm <command> [options]"]);
  });

  test.each(["help", "-h", "-?"])("%s prints the usage on stderr and exits 2", async (word) => {
    const run = await lab.vmadm([word]);
    expect(run).toMatchObject({ exit: 2, stdout: "" });
    expect(run.stderr).toMatch(/^Usage: .*\n\ncreate \[-f <filename>\]\n/);
  });

  test.each([
    ["create", "{bad", "Invalid JSON payload: Unexpected token b"],
    ["create", "", "Invalid JSON payload: Unexpected end of input"],
    ["create", '{"a":1,}', "Invalid JSON payload: Unexpected token }"],
    ["create", '{"a" "b"}', "Invalid JSON payload: Unexpected string"],
    ["create", '{"a":1 2}', "Invalid JSON payload: Unexpected number"],
  ])("%s of %j", async (command, text, message) => {
    expect(await lab.vmadm([command], text)).toEqual({ exit: 1, stdout: "", stderr: `${message}\n` });
  });

  test("a file that is not there", async () => {
    const run = await lab.vmadm(["create", "-f", "/no/such"]);
    expect(run).toMatchObject({ exit: 1, stderr: "File: /no/such does not exist.\n" });
  });
});

describe("create", () => {
  test("leaves a stopped zone with everything the reference lists", async () => {
    await created({
      nics: [{ nic_tag: "admin", ip: "10.0.0.5", netmask: "255.255.255.0", gateway: "10.0.0.1", interface: "net7" }],
      tags: { role: "web" },
      customer_metadata: { a: 1 },
    });
    const vm = await lab.get();
    expect(vm).toMatchObject({
      zonename: ZONE,
      state: "stopped",
      zone_state: "installed",
      zoneid: null,
      autoboot: false,
      max_swap: 1024,
      tmpfs: 1024,
      quota: 10,
      zlog_mode: "g--",
      restart_init: false,
      init_name: "/native/usr/vm/sbin/dockerinit",
      internal_metadata_namespaces: ["docker"],
      firewall_enabled: false,
      resolvers: [],
      tags: { role: "web" },
      customer_metadata: { a: 1 },
      routes: {},
      snapshots: [],
      limit_priv: "default",
      zfs_filesystem: `zones/${ZONE}`,
      zpool: "zones",
    });
    expect(vm["nics"]).toEqual([
      {
        interface: "eth0",
        mac: expect.stringMatching(/^[0-9a-f]2(:[0-9a-f]{2}){5}$/) as string,
        nic_tag: "admin",
        gateway: "10.0.0.1",
        gateways: ["10.0.0.1"],
        netmask: "255.255.255.0",
        ip: "10.0.0.5",
        ips: ["10.0.0.5/24"],
        primary: true,
      },
    ]);
    expect((vm["internal_metadata"] as Payload)["docker:id"]).toMatch(/^7b9e1c1a4f0d4b5e9a7a0c8f5f1d2a11[0-9a-f]{32}$/);
    for (const absent of ["type", "ram", "provisioning", "transition_to", "exit_status", "failed", "alias2"])
      expect(vm).not.toHaveProperty(absent);
    expect(existsSync(join(lab.root, "zones", ZONE, "root/var/svc/provisioning"))).toBe(true);
  });

  test("mounts docker's three files, then created volumes, after ordinary sources", async () => {
    const volume = "5f0d6b0e-7e0f-4e3c-9a6d-6b5a9d2f7c10";
    await created({
      filesystems: [
        { source: volume, target: "/data", type: "lofs", options: [] },
        { source: "/opt/shared", target: "/shared", type: "lofs", options: ["ro"] },
      ],
    });
    const { filesystems } = await lab.get();
    expect(filesystems).toEqual([
      { source: "/opt/shared", target: "/shared", type: "lofs", options: ["ro"] },
      ...["resolv.conf", "hosts", "hostname"].map((file) => ({
        source: `/zones/${ZONE}/config/${file}`,
        target: `/etc/${file}`,
        type: "lofs",
        options: ["rw"],
      })),
      { source: `/zones/${ZONE}/volumes/${volume}`, target: "/data", type: "lofs" },
    ]);
    expect(lab.datasets.has(`zones/${ZONE}/volumes/${volume}`)).toBe(true);
  });

  test("replaces a linked target instead of following the link out of the zone", async () => {
    const outside = join(lab.root, "outside");
    mkdirSync(outside);
    // The fake clone makes an empty root: the hostile link is put there between install and furnishing.
    const etc = join(lab.root, "zones", ZONE, "root/etc");
    mkdirSync(etc, { recursive: true });
    symlinkSync(join(outside, "hosts"), join(etc, "hosts"));
    await created();
    expect(existsSync(join(outside, "hosts"))).toBe(false);
    expect(readFileSync(join(etc, "hosts"), "utf8")).toBe("");
  });

  test.each<[Payload, string | RegExp]>([
    [{ max_swap: 100 }, "Invalid value(s) for: max_swap"],
    [{ image_uuid: NOBODY }, "Invalid value(s) for: image_uuid"],
    [{ zpool: "tank" }, "Invalid value(s) for: zpool"],
    [{ kernel_version: "" }, "Missing required properties: kernel_version"],
    [{ nics: [{ nic_tag: "dmz", ips: ["dhcp"] }] }, 'Invalid nic tag "dmz"'],
    [{ nics: [{ nic_tag: "admin", ips: ["10.0.0.264/24"] }] }, /^Invalid IP for NIC: \{/],
    [{ nics: [{ ips: ["dhcp"] }] }, /^invalid or missing .nic_tag option for NIC: \{/],
    [{ nics: [{ nic_tag: "admin", ip: "10.0.0.5" }] }, /^Missing .netmask option for NIC: \{/],
    [
      { nics: [{ nic_tag: "admin", ips: ["10.0.0.5/24"], gateways: ["x"] }] },
      "Static gateways must be IPv4 addresses: x",
    ],
    [{ nics: [{ nic_tag: "a", ips: ["dhcp"] }], add_nics: [] }, 'Cannot specify both "nics" and "add_nics"'],
    [{ routes: { x: "10.0.0.1" } }, 'Invalid route destination: "x" (must be IP address or CIDR)'],
    [{ routes: { "10.1.0.0/16": "nics[0]" } }, 'Route gateway: "nics[0]" refers to non-existent or DHCP nic'],
    [
      { zfs_root_recsize: 1000 },
      "invalid zfs_root_recsize (1000), must be 512-131072 and a power of 2. (0 to disable)",
    ],
    [
      { zfs_root_compression: "best" },
      /^invalid compression type for zfs_root_compression, must be one of: on, off, gzip,/,
    ],
  ])("%j is refused before there is a zone", async (changes, message) => {
    const run = await lab.vmadm(["create"], containerPayload(changes));
    expect(run.exit).toBe(1);
    if (typeof message === "string") expect(run.stderr).toBe(`${message}\n`);
    else expect(run.stderr).toMatch(message);
    expect((await lab.vmadm(["lookup"])).stdout).toBe("");
  });

  test("a uuid can be used once", async () => {
    await created();
    const run = await lab.vmadm(["create"], containerPayload());
    expect(run).toMatchObject({ exit: 1, stderr: `VM with UUID ${ZONE} already exists\n` });
  });

  test("two zones cannot have one address; another vlan makes it another address", async () => {
    const nics = [{ nic_tag: "admin", ips: ["10.0.0.5/24"] }];
    await created({ nics });
    const other = containerPayload({ uuid: NOBODY, nics });
    expect(await lab.vmadm(["create"], other)).toMatchObject({
      exit: 1,
      stderr: "Conflict detected with another vm, please check the MAC, IP, and VRID\n",
    });
    await created({ uuid: NOBODY, nics: [{ ...nics[0], vlan_id: 0 }] });
  });

  test.each(["configured", "installed"])("a child that fails after %s leaves the zone behind", async (place) => {
    lab.failpoints = `vmadm.create.${place}=1*error(no space left)`;
    const run = await lab.vmadm(["create"], containerPayload());
    expect(run).toMatchObject({ exit: 1, stderr: "Command failed: no space left\n" });
    expect((await lab.get())["provisioning"]).toBe(true);
    expect(await lab.vmadm(["delete", ZONE])).toMatchObject({ exit: 0 });
    expect((await lab.vmadm(["lookup"])).stdout).toBe("");
  });

  test("an entry without colon in docker:extraHosts is found late", async () => {
    const metadata = { "docker:cmd": "[]", "docker:extraHosts": '["nocolon"]' };
    const run = await lab.vmadm(["create"], containerPayload({ internal_metadata: metadata }));
    expect(run.stderr).toBe(
      'invalid "docker:extraHosts" internal_metadata: "nocolon" entry is not of the form "NAME:IP"\n',
    );
    expect((await lab.get())["state"]).toBe("provisioning");
  });

  test("with autoboot it waits until the zone has moved its provisioning file", async () => {
    lab.onBoot = (uuid) => {
      const svc = join(lab.root, "zones", uuid, "root/var/svc");
      renameSync(join(svc, "provisioning"), join(svc, "provision_success"));
    };
    await created({ autoboot: true });
    const vm = await lab.get();
    expect(vm).toMatchObject({ state: "running", autoboot: true, pid: 4711, init_restarts: 0 });
    expect(vm).not.toHaveProperty("transition_to");
  });

  test("with autoboot and a zone that never gets ready it fails, and so does the zone", async () => {
    lab.env["LABHOST_PROVISION_TIMEOUT_MS"] = "1";
    const run = await lab.vmadm(["create"], containerPayload({ autoboot: true }));
    expect(run.exit).toBe(1);
    expect(run.stderr).toContain(`timed out waiting for /var/svc/provisioning to move for ${ZONE}`);
    expect(await lab.get()).toMatchObject({ state: "failed", failed: "provisioning", autoboot: false });
    expect(await lab.vmadm(["start", ZONE])).toMatchObject({
      exit: 1,
      stderr: `Unable to start VM ${ZONE}: Cannot start vm from state "failed", must be "stopped".\n`,
    });
  });
});

describe("a create that died", () => {
  const state = async (): Promise<unknown> => (await lab.get())["state"];

  test("in the middle of configuring leaves a provisioning zone", async () => {
    lab.failpoints = "vmadm.create.installed=error(x)";
    await lab.vmadm(["create"], containerPayload());
    expect(await state()).toBe("provisioning");
  });

  test.each([
    ["60000", false, "provisioning"],
    ["-60000", false, "failed"],
    ["60000", true, "stopped"],
  ])("before it saw the zone ready, with %s ms left and the file moved %s", async (left, moved, expected) => {
    lab.env["LABHOST_PROVISION_TIMEOUT_MS"] = left;
    lab.failpoints = "vmadm.create.finalized=error(x)";
    await lab.vmadm(["create"], containerPayload({ autoboot: true }));
    const svc = join(lab.root, "zones", ZONE, "root/var/svc");
    if (moved) renameSync(join(svc, "provisioning"), join(svc, "provision_success"));
    expect(await state()).toBe(expected);
  });
});

describe("failpoints", () => {
  test.each([
    ["start", "Unable to start VM"],
    ["delete", "Failed to delete VM"],
  ])("of %s fail with its prefix", async (command, prefix) => {
    await created();
    lab.failpoints = `vmadm.${command}.begin=error(no luck)`;
    expect((await lab.vmadm([command, ZONE])).stderr).toBe(`${prefix} ${ZONE}: Command failed: no luck\n`);
  });
});

describe("start and stop", () => {
  beforeEach(() => created());

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
      stderr: `Unable to start VM ${ZONE}: first of 1 error: Command failed: zone '${ZONE}': could not mount /data\n`,
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
    await created({ uuid: NOBODY, filesystems: [{ source, target: "/data", type: "lofs" }] });
    expect((await lab.vmadm(["delete", ZONE])).stderr).toBe(
      `Failed to delete VM ${ZONE}: Unable to delete VM ${ZONE} the following VMs are sharing its volumes: ["${NOBODY}"]\n`,
    );
  });
});

describe("kill", () => {
  beforeEach(async () => {
    await created();
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

describe("update", () => {
  beforeEach(() =>
    created({ nics: [{ nic_tag: "admin", ips: ["10.0.0.5/24"], mac: "82:0d:b4:30:56:bb" }], tags: { a: "1" } }),
  );

  test("sets, removes and unsets", async () => {
    expect(
      await lab.vmadm(["update", ZONE], {
        alias: "",
        cpu_cap: 200,
        set_tags: { b: 2 },
        remove_tags: ["a", "x"],
        quota: 20,
      }),
    ).toMatchObject({ exit: 0, stderr: `Successfully updated VM ${ZONE}\n` });
    const vm = await lab.get();
    expect(vm).toMatchObject({ cpu_cap: 200, tags: { b: 2 }, quota: 20 });
    expect(vm).not.toHaveProperty("alias");
    await lab.vmadm(["update", ZONE, "cpu_cap=", "resolvers=8.8.8.8,8.8.4.4", "max_lwps=4000", "alias=x"]);
    expect(await lab.get()).toMatchObject({ resolvers: ["8.8.8.8", "8.8.4.4"], max_lwps: 4000, alias: "x" });
    expect(await lab.get()).not.toHaveProperty("cpu_cap");
  });

  test("ignores whole objects and arrays without a word", async () => {
    const before = await lab.get();
    for (const payload of [{ tags: { z: 1 }, nics: [], internal_metadata: {} }, "[]"])
      expect((await lab.vmadm(["update", ZONE], payload)).exit).toBe(0);
    expect(await lab.get()).toEqual(before);
  });

  test("a key it cannot change makes it fail after the rest was done", async () => {
    lab.env["LABHOST_VMINFOD_WAIT_MS"] = "1";
    expect(await lab.vmadm(["update", ZONE], { image_uuid: IMAGE, alias: "y" })).toMatchObject({
      exit: 1,
      stderr: `first of 1 error: vminfod watchForChanges "VM.js update (${ZONE})" timeout exceeded\n`,
    });
    expect((await lab.get())["alias"]).toBe("y");
  });

  test("nics come, change and go", async () => {
    await lab.vmadm(["update", ZONE], { add_nics: [{ nic_tag: "external", ips: ["192.0.2.7/24"], primary: true }] });
    expect((await lab.get())["nics"]).toMatchObject([
      { interface: "eth0", ips: ["10.0.0.5/24"] },
      { interface: "eth1", ips: ["192.0.2.7/24"], primary: true },
    ]);
    const change = { update_nics: [{ mac: "82:0d:b4:30:56:bb", ips: ["10.0.0.6/24"] }] };
    expect((await lab.vmadm(["update", ZONE], change)).exit).toBe(0);
    const nics = (await lab.get())["nics"] as Payload[];
    await lab.vmadm(["update", ZONE], { remove_nics: [nics[1]?.["mac"]] });
    expect((await lab.get())["nics"]).toMatchObject([
      { ips: ["10.0.0.6/24"], netmask: "255.255.255.0", primary: true },
    ]);
  });

  test("a nic that repeats what it has conflicts with itself", async () => {
    const change = { update_nics: [{ mac: "82:0d:b4:30:56:bb", nic_tag: "admin", ips: ["10.0.0.5/24"] }] };
    expect((await lab.vmadm(["update", ZONE], change)).stderr).toBe(
      "Conflict detected with another vm, please check the MAC, IP, and VRID\n",
    );
  });

  test.each<[Payload, string]>([
    [{ update_nics: [{ ips: ["dhcp"] }] }, "NIC object needs a .mac property to update"],
    [{ update_nics: [{ mac: "00:11:22:33:44:55" }] }, "There is no existing NIC with that mac address"],
    [{ add_nics: {} }, "add_nics must be an array."],
    [{ set_tags: { a: null } }, "Invalid value(s) for: set_tags"],
    [{ max_swap: 5 }, "Invalid value(s) for: max_swap"],
    [{ cpu_cap: "many" }, "Invalid value for cpu_cap: null:number"],
  ])("%j", async (payload, message) => {
    expect(await lab.vmadm(["update", ZONE], payload)).toMatchObject({ exit: 1, stderr: `${message}\n` });
  });

  test("rewrites the hosts file when extra hosts change, and only then", async () => {
    const hosts = join(lab.root, "zones", ZONE, "config/hosts");
    await lab.vmadm(["update", ZONE], { resolvers: ["1.1.1.1"] });
    expect(readFileSync(join(lab.root, "zones", ZONE, "config/resolv.conf"), "utf8")).toBe("search local\n");
    await lab.vmadm(["update", ZONE], { set_internal_metadata: { "docker:extraHosts": '["db:10.0.0.9"]' } });
    expect(readFileSync(hosts, "utf8")).toContain("10.0.0.9\tdb\n");
  });

  test("filesystems: a uuid source is skipped, the rest follows the target", async () => {
    const source = "5f0d6b0e-7e0f-4e3c-9a6d-6b5a9d2f7c10";
    const shared = { source: "/opt/a", target: "/a", type: "lofs" };
    await lab.vmadm(["update", ZONE], { add_filesystems: [{ source, target: "/d", type: "lofs" }, shared] });
    const targets = async (): Promise<unknown[]> =>
      ((await lab.get())["filesystems"] as Payload[]).map((filesystem) => filesystem["target"]);
    expect(await targets()).toEqual(["/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/a"]);
    await lab.vmadm(["update", ZONE], { update_filesystems: [{ target: "/a", options: ["ro"] }, { target: "/zz" }] });
    expect(((await lab.get())["filesystems"] as Payload[])[3]).toEqual({ ...shared, options: ["ro"] });
    await lab.vmadm(["update", ZONE], { remove_filesystems: ["/a"] });
    expect(await targets()).not.toContain("/a");
  });

  test("caps reach a running zone at once, and only one that runs", async () => {
    await lab.vmadm(["update", ZONE, "max_physical_memory=2048"]);
    await lab.vmadm(["start", ZONE]);
    await lab.vmadm(["update", ZONE, "max_physical_memory=512", "alias=x"]);
    await lab.vmadm(["update", ZONE, "alias=y"]);
    expect(lab.asked).toEqual(["boot", "caps 512"]);
  });

  test("docker metadata decides the log mode", async () => {
    await lab.vmadm(["update", ZONE], { set_internal_metadata: { "docker:logdriver": "syslog", "docker:tty": true } });
    expect(await lab.get()).toMatchObject({ zlog_mode: "gtn", app_svc_dependent: true });
    await lab.vmadm(["update", ZONE], { remove_internal_metadata: ["docker:logdriver", "docker:tty"] });
    expect(await lab.get()).toMatchObject({ zlog_mode: "g--" });
    expect(await lab.get()).not.toHaveProperty("app_svc_dependent");
  });
});

describe("snapshots", () => {
  beforeEach(() => created());

  test("come and go by name", async () => {
    expect((await lab.vmadm(["create-snapshot", ZONE, "a b"])).stderr).toBe("Invalid snapshot name\n");
    expect((await lab.vmadm(["create-snapshot", ZONE, "one"])).stderr).toBe(`Created snapshot one for VM ${ZONE}\n`);
    expect((await lab.vmadm(["create-snapshot", ZONE, "one"])).stderr).toBe(
      'snapshot with name "one" already exists.\n',
    );
    await lab.vmadm(["create-snapshot", ZONE, "two"]);
    expect((await lab.get())["snapshots"]).toMatchObject([{ name: "two" }, { name: "one" }]);
    expect((await lab.vmadm(["rollback-snapshot", ZONE, "one"])).stderr).toBe(
      `Rolled back snapshot one for VM ${ZONE}\n`,
    );
    expect(lab.running.has(ZONE)).toBe(true);
    expect((await lab.vmadm(["delete-snapshot", ZONE, "one"])).stderr).toBe(`Deleted snapshot one for VM ${ZONE}\n`);
    expect((await lab.vmadm(["delete-snapshot", ZONE, "one"])).stderr).toBe(`No snapshot named "one" for ${ZONE}\n`);
  });
});

describe("what containers do not have", () => {
  beforeEach(() => created());

  test("info, sysrq, console, send", async () => {
    expect((await lab.vmadm(["info", ZONE])).stderr).toBe(
      `Unable to get VM info for VM ${ZONE}: Unable to get info for vm from state "stopped", must be "running" or "stopping".\n`,
    );
    expect((await lab.vmadm(["console", ZONE])).stderr).toBe(
      'cannot connect to console when state is "stopped" must be "running".\n',
    );
    await lab.vmadm(["start", ZONE]);
    expect((await lab.vmadm(["info", ZONE])).stderr).toBe(
      `Unable to get VM info for VM ${ZONE}: no info types supported for brand lx\n`,
    );
    expect((await lab.vmadm(["sysrq", ZONE, "nmi"])).stderr).toBe(
      'The sysrq command is only supported for VMs  with brand "bhyve" or "kvm".\n',
    );
    for (const command of ["send", "receive", "recv", "install"])
      expect(await lab.vmadm([command, ZONE])).toMatchObject({ exit: 1, stdout: "" });
  });
});

describe("lookup and list", () => {
  beforeEach(async () => {
    await created();
    await created({ uuid: NOBODY, alias: "db", max_physical_memory: 512 });
  });

  test("lookup prints uuids, or objects with type and ram", async () => {
    expect((await lab.vmadm(["lookup", "alias=db"])).stdout).toBe(`${NOBODY}\n`);
    const [vm] = JSON.parse((await lab.vmadm(["lookup", "-j", "alias=~^WEB"])).stdout) as Payload[];
    expect(vm).toEqual({ ...(await lab.get()), type: "LX", ram: 1024 });
    expect((await lab.vmadm(["lookup", "-j", "-o", "uuid,nothing", "alias=db"])).stdout).toBe(
      `[\n  {\n    "uuid": "${NOBODY}"\n  }\n]\n`,
    );
    expect((await lab.vmadm(["lookup", "-j", "-o", "nothing"])).stdout).toBe("[]\n");
  });

  test("lookup complains", async () => {
    expect(await lab.vmadm(["lookup", "-1"])).toMatchObject({
      exit: 1,
      stderr: "Requested unique lookup but found 2 results.\n",
    });
    expect((await lab.vmadm(["lookup", "-o", "uuid"])).stderr).toBe("Cannot specify -o without -j\n");
    expect((await lab.vmadm(["lookup", "color=red"])).stderr).toBe('Invalid lookup key: "color"\n');
  });

  test("list sorts by ram", async () => {
    expect((await lab.vmadm(["list"])).stdout).toBe(
      [
        "UUID                                  TYPE  RAM      STATE             ALIAS",
        `${NOBODY}  LX    512      stopped           db`,
        `${ZONE}  LX    1024     stopped           web-1`,
        "",
      ].join("\n"),
    );
    expect((await lab.vmadm(["list", "-p", "-o", "alias,docker,autoboot,exit_status", "-s", "-alias"])).stdout).toBe(
      "web-1:true::\ndb:true::\n",
    );
    expect((await lab.vmadm(["list", "-Ho", "alias", "state=running"])).stdout).toBe("");
  });
});

describe("reprovision", () => {
  const NEWER = "22222222-2222-4333-8444-555555555555";
  beforeEach(async () => {
    await created({ tags: { a: "1" } });
    lab.addImage(NEWER, "docker");
    lab.addImage(NOBODY, "zone-dataset");
  });

  test.each<[Payload, string]>([
    [{}, "payload is missing image_uuid"],
    [{ image_uuid: ZONE }, `cannot find 'manifest' for image ${ZONE}`],
    [{ image_uuid: NOBODY }, `image ${NOBODY} is type zone-dataset, but must be one of: ["docker","lx-dataset"]`],
  ])("%j", async (payload, message) => {
    expect(await lab.vmadm(["reprovision", ZONE], payload)).toMatchObject({
      exit: 1,
      stderr: `Failed to reprovision VM ${ZONE}: ${message}\n`,
    });
  });

  test("replaces the root, keeps the configuration and starts the zone", async () => {
    lab.onBoot = (uuid) => {
      const svc = join(lab.root, "zones", uuid, "root/var/svc");
      renameSync(join(svc, "provisioning"), join(svc, "provision_success"));
    };
    expect(await lab.vmadm(["reprovision", ZONE], { image_uuid: NEWER })).toMatchObject({
      exit: 0,
      stderr: `Successfully reprovisioned VM ${ZONE}\n`,
    });
    expect(await lab.get()).toMatchObject({ state: "running", image_uuid: NEWER, tags: { a: "1" }, quota: 10 });
  });
});
