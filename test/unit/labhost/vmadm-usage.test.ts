// Zones nobody knows, wrong use, payloads that are none: message, stream and exit status.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeLab, NOBODY, ZONE } from "./fake-vm-host.ts";

let lab: FakeLab;
beforeEach(() => {
  lab = new FakeLab();
});
afterEach(() => lab.remove());

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

describe("failpoints", () => {
  test.each([
    ["start", "Unable to start VM"],
    ["delete", "Failed to delete VM"],
  ])("of %s fail with its prefix", async (command, prefix) => {
    await lab.create();
    lab.failpoints = `vmadm.${command}.begin=error(no luck)`;
    expect((await lab.vmadm([command, ZONE])).stderr).toBe(`${prefix} ${ZONE}: Command failed: no luck\n`);
  });
});

describe("what containers do not have", () => {
  beforeEach(() => lab.create());

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
