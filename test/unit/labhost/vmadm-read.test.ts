// lookup, list, snapshots and reprovision.
import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { FakeLab, NOBODY, ZONE } from "./fake-vm-host.ts";

let lab: FakeLab;
beforeEach(() => {
  lab = new FakeLab();
});
afterEach(() => lab.remove());

describe("lookup and list", () => {
  beforeEach(async () => {
    await lab.create();
    await lab.create({ uuid: NOBODY, alias: "db", max_physical_memory: 512 });
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

describe("snapshots", () => {
  beforeEach(() => lab.create());

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

describe("reprovision", () => {
  const NEWER = "22222222-2222-4333-8444-555555555555";
  beforeEach(async () => {
    await lab.create({ tags: { a: "1" } });
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
