// create: what it leaves, what it refuses, what happens when it fails or dies.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { containerPayload, FakeLab, NOBODY, ZONE } from "./fake-vm-host.ts";

let lab: FakeLab;
beforeEach(() => {
  lab = new FakeLab();
});
afterEach(() => lab.remove());

describe("create", () => {
  test("says so on stderr", async () => {
    expect(await lab.vmadm(["create"], containerPayload())).toEqual({
      exit: 0,
      stdout: "",
      stderr: `Successfully created VM ${ZONE}\n`,
    });
  });

  test("leaves a stopped zone with everything the reference lists", async () => {
    await lab.create({
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
    await lab.create({
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

  test("follows no link of the image out of the zone", async () => {
    const outside = join(lab.root, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "kept");
    // The fake clone puts nothing into the root, so what the image brings is laid there before.
    const root = join(lab.root, "zones", ZONE, "root");
    mkdirSync(join(root, "etc"), { recursive: true });
    mkdirSync(join(root, "var/svc"), { recursive: true });
    symlinkSync(join(outside, "hosts"), join(root, "etc/hosts"));
    symlinkSync(join(outside, "kept"), join(root, "var/svc/provisioning"));
    symlinkSync(join(outside, "tmp"), join(root, "tmp"));
    await lab.create();
    expect(readdirSync(outside)).toEqual(["kept"]);
    expect(readFileSync(join(outside, "kept"), "utf8")).toBe("kept");
    expect(readFileSync(join(root, "etc/hosts"), "utf8")).toBe("");
  });

  test("says which target of docker's files is none", async () => {
    mkdirSync(join(lab.root, "zones", ZONE, "root/etc/hosts"), { recursive: true });
    const run = await lab.vmadm(["create"], containerPayload());
    expect(run).toMatchObject({ exit: 1, stderr: `/zones/${ZONE}/root/etc/hosts is not a file\n` });
  });

  test("an image with a file where a directory has to be fails as a child does", async () => {
    mkdirSync(join(lab.root, "zones", ZONE, "root"), { recursive: true });
    writeFileSync(join(lab.root, "zones", ZONE, "root/var"), "");
    const run = await lab.vmadm(["create"], containerPayload());
    expect(run.stderr).toMatch(/^Command failed: /);
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
    await lab.create();
    const run = await lab.vmadm(["create"], containerPayload());
    expect(run).toMatchObject({ exit: 1, stderr: `VM with UUID ${ZONE} already exists\n` });
  });

  test("two zones cannot have one address; another vlan makes it another address", async () => {
    const nics = [{ nic_tag: "admin", ips: ["10.0.0.5/24"] }];
    await lab.create({ nics });
    const other = containerPayload({ uuid: NOBODY, nics });
    expect(await lab.vmadm(["create"], other)).toMatchObject({
      exit: 1,
      stderr: "Conflict detected with another vm, please check the MAC, IP, and VRID\n",
    });
    await lab.create({ uuid: NOBODY, nics: [{ ...nics[0], vlan_id: 0 }] });
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
    await lab.create({ autoboot: true });
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
