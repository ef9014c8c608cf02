import { describe, expect, test } from "vitest";
import { parseSignal } from "../../agent/util/linux-signals.ts";
import { exitStatus } from "../../agent/vmadm/exit-status.ts";
import { exitOf, hasEnded, zonePhase } from "../../agent/zones/observe.ts";
import { findZone } from "../../agent/zones/find.ts";
import { bootFailureText, explainsExit, parseBootLog } from "../../agent/zones/boot-log.ts";
import { aVm, UUID } from "../support/builders.ts";

const ended = { exit_timestamp: "2026-01-01T00:00:00.000Z" };

describe("exit status", () => {
  test.each([
    [0, { code: 0, coreDumped: false }],
    [13, { code: 13, coreDumped: false }],
    [-9, { code: 137, signal: "SIGKILL", coreDumped: false }],
    [-15, { code: 143, signal: "SIGTERM", coreDumped: false }],
    [-139, { code: 139, signal: "SIGSEGV", coreDumped: true }],
    // illumos numbers: 16 is USR1 (Linux 10), 10 is BUS (Linux 7)
    [-16, { code: 138, signal: "SIGUSR1", coreDumped: false }],
    [-10, { code: 135, signal: "SIGBUS", coreDumped: false }],
  ])("%i", (platform, expected) => {
    expect(exitStatus(platform)).toEqual(expected);
  });

  test.each([
    ["10", "SIGUSR1"],
    ["TERM", "SIGTERM"],
    ["sigkill", "SIGKILL"],
    ["FOO", undefined],
    ["99", undefined],
  ])("signal given as %s", (text, name) => {
    expect(parseSignal(text)).toBe(name);
  });
});

describe("phase", () => {
  test.each([
    [undefined, "absent"],
    [aVm({ state: "running" }), "running"],
    [aVm(), "created"],
    [aVm({ exit_status: 1, ...ended }), "exited"],
    [aVm({ internal_metadata: { "docker:restartcount": 0 } }), "exited"],
    [aVm({ state: "provisioning" }), "provisioning"],
    [aVm({ state: "failed" }), "failed"],
    [aVm({ state: "shutting_down" }), "stopping"],
    [aVm({ state: "teleporting" }), "unknown"],
  ])("%# is %s", (vm, phase) => {
    expect(zonePhase(vm)).toBe(phase);
  });

  test.each([
    ["no policy", {}, 1, true],
    ["always", { "docker:restartpolicy": "always" }, 0, false],
    ["on-failure, success", { "docker:restartpolicy": "on-failure" }, 0, true],
    ["on-failure, failure", { "docker:restartpolicy": "on-failure" }, 1, false],
    ["on-failure:2, once restarted", { "docker:restartpolicy": "on-failure:2", "docker:restartcount": 1 }, 1, false],
    ["on-failure:2, exhausted", { "docker:restartpolicy": "on-failure:2", "docker:restartcount": 2 }, 1, true],
  ])("has ended for good: %s", (_name, metadata, exit_status, expected) => {
    expect(hasEnded(aVm({ autoboot: true, exit_status, ...ended, internal_metadata: metadata }))).toBe(expected);
  });

  test("a stopped zone that never ran has no exit", () => {
    expect(exitOf(aVm())).toBeUndefined();
    expect(hasEnded(aVm())).toBe(false);
  });
});

describe("reference to a container", () => {
  const other = aVm({ uuid: "7b9e2222-4f0d-4b5e-9a7a-0c8f5f1d2a11", alias: "db", internal_metadata: {} });
  const zones = [aVm(), other];
  test.each(["web", "/web", UUID, UUID.slice(0, 6), UUID.replaceAll("-", "").slice(0, 12)])(
    "%s is web",
    (reference) => {
      expect(findZone(reference, zones).uuid).toBe(UUID);
    },
  );
  test("an ambiguous prefix names the candidates", () => {
    expect(() => findZone("7b9e", zones)).toThrow(/fits 2 containers: web \(7b9e1c1a.*db \(7b9e2222/);
  });
  test("an unknown name tells the nearest", () => {
    expect(() => findZone("wev", zones)).toThrow(
      expect.objectContaining({ code: "CONTAINER_NOT_FOUND", hint: 'did you mean "web"?' }),
    );
  });
  test("a name wins over a prefix", () => {
    expect(
      findZone("7b9e1c1a", [...zones, aVm({ uuid: "00000000-4f0d-4b5e-9a7a-0c8f5f1d2a11", alias: "7b9e1c1a" })]).alias,
    ).toBe("7b9e1c1a");
  });
});

describe("dockerinit's last words", () => {
  test("the fatal line is found and told with Docker's code", () => {
    const log = `2024-05-14T09:30:12.276Z TRYPATH "/bin/nodde"\n2024-05-14T09:30:12.279Z FATAL (code: 17): 'nodde' not found in PATH\n`;
    expect(parseBootLog(log)).toEqual({
      code: 17,
      message: "'nodde' not found in PATH",
      meaning: "the command was not found in PATH",
      dockerCode: 127,
      afterMs: 3,
    });
  });
  test.each([
    [17, "'nodde' not found in PATH", "nodde not found in the image's PATH"],
    [25, "stat(/entrypoint.sh): No such file or directory", "/entrypoint.sh not found in the image"],
    [26, "stat(/etc): is a directory", "/etc is a directory"],
    [27, "stat(/run.sh): is not executable", "/run.sh is not executable"],
    [2, "chdir(/app) failed: Permission denied", "the working directory /app cannot be entered: Permission denied"],
    [29, "UID is not a number: web", "the user does not exist in the image: UID is not a number: web"],
    [99, "something new", "something new"],
  ])("code %i, %j is told as %j", (code, message, told) => {
    const failure = parseBootLog(`2024-05-14T09:30:12.279Z FATAL (code: ${code}): ${message}\n`);
    expect(failure && bootFailureText(failure)).toBe(told);
    expect(failure && explainsExit(failure, code)).toBe(true);
    expect(failure && explainsExit(failure, -6)).toBe(false);
  });
  test("code 1 ends in SIGABRT", () => {
    const failure = parseBootLog("2024-05-14T09:30:12.279Z FATAL (code: 1): getPathList() failed\n");
    expect(failure && [-6, -134, 1].map((status) => explainsExit(failure, status))).toEqual([true, true, false]);
  });
  test("control characters do not pass", () => {
    expect(parseBootLog("x FATAL (code: 2): \u001b[2Jgone\n")?.message).toBe("?[2Jgone");
  });
  test("a successful start has none", () => {
    expect(parseBootLog("2024-05-14T09:30:12.281Z DROP PRIVS\n")).toBeUndefined();
  });
});
