import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CommandError } from "../../agent/exec/errors.ts";
import { inlineChain } from "../../agent/errors/chain.ts";
import { classifyVmadm, rowOf } from "../../agent/vmadm/classify.ts";
import { VMADM_ROWS } from "../../agent/vmadm/failure-rows.ts";
import { readStderr } from "../../agent/vmadm/output.ts";
import { classifiedCases, commandErrorOf } from "../support/classified-cases.ts";

const operation = z.enum([
  "get",
  "lookup",
  "validate",
  "create",
  "start",
  "stop",
  "force-stop",
  "reboot",
  "kill",
  "update",
  "delete",
  "create-snapshot",
  "delete-snapshot",
  "rollback-snapshot",
  "reprovision",
  "info",
  "events",
]);
const files = classifiedCases("test/fixtures/vmadm");

describe.each(files)("vmadm $file", ({ cases }) => {
  it.each(cases)("$operation: $stderr -> $expected", (recorded) => {
    const error = commandErrorOf("/usr/sbin/vmadm", recorded);
    const meaning = classifyVmadm(operation.parse(recorded.operation), "start zone U", error);
    if (meaning === "done") {
      expect(recorded.expected).toBe("done");
      return;
    }
    expect(meaning.code).toBe(recorded.expected);
    expect(meaning.cause).toBe(error);
    expect(meaning.message).toMatch(/^start zone U/);
    expect(meaning.details).toMatchObject(recorded.details ?? {});
  });
});

describe("the table of vmadm", () => {
  it.each(VMADM_ROWS.map((row) => row.name))("has a recorded case for row: %s", (name) => {
    const proofs = files
      .flatMap((file) => file.cases)
      .filter((recorded) => rowOf(operation.parse(recorded.operation), recorded.stderr) === name);
    expect(proofs.length).toBeGreaterThan(0);
  });

  it("keeps the platform's words for people and machines", () => {
    const recorded = files.flatMap((file) => file.cases).find((one) => one.expected === "ZONE_BOOT_FAILED")!;
    const meaning = classifyVmadm("start", "start zone U", commandErrorOf("/usr/sbin/vmadm", recorded));
    if (meaning === "done") throw new Error("classified as done");
    expect(meaning.details["platform"]).toMatch(/^Command failed: zoneadm: zone .*could not start zoneadmd$/);
    expect(meaning.hint).toContain("mount");
    expect(inlineChain(meaning)).toContain("could not start zoneadmd");
  });

  it.each([
    ["start", "start zone U: vmadm is still at it"],
    ["get", "start zone U: vmadm did not answer in time"],
  ] as const)("says of the deadline of %s whether the command goes on", (what, message) => {
    const outcome = { argv: [], exitCode: undefined, signal: undefined, stdoutTail: "", stderrTail: "", durationMs: 1 };
    const meaning = classifyVmadm(what, "start zone U", new CommandError("timeout", outcome));
    expect(meaning).toMatchObject({ code: "DEADLINE", message });
  });
});

describe("readStderr", () => {
  it("takes a message of several lines from `Command failed:` on", () => {
    const said = readStderr("some warning\nfirst of 1 error: Command failed: zonecfg: a\nb\n\n");
    expect(said.message).toBe("Command failed: zonecfg: a\nb");
  });

  it("takes the line before the usage text", () => {
    expect(
      readStderr('Invalid command: "x".\nUsage: /usr/sbin/vmadm <command> [options]\n\nget <uuid>\n').message,
    ).toBe('Invalid command: "x".');
  });

  it("drops log records of a debug level but not a validation failure", () => {
    const record = '{"name":"vmadm","level":20,"msg":"x"}';
    expect(readStderr(`${record}\n{\n  "bad_brand": "zzz"\n}\n`).text).toBe('{\n  "bad_brand": "zzz"\n}');
  });
});
