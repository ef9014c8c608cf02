// update: what changes, what is ignored, what is refused.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { FakeLab, IMAGE, ZONE } from "./fake-vm-host.ts";

let lab: FakeLab;
beforeEach(() => {
  lab = new FakeLab();
});
afterEach(() => lab.remove());

describe("update", () => {
  beforeEach(() =>
    lab.create({ nics: [{ nic_tag: "admin", ips: ["10.0.0.5/24"], mac: "82:0d:b4:30:56:bb" }], tags: { a: "1" } }),
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
