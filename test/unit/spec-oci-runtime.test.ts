// What the vectors of oci-runtime leave open. Facts: container-specs.md 7.
import { describe, expect, test } from "vitest";
import { Report } from "../../agent/spec/formats/format.ts";
import { readOciRuntime } from "../../agent/spec/formats/oci-runtime/read.ts";
import type { NeutralApp } from "../../agent/spec/neutral.ts";
import { flagSource } from "../../agent/spec/source.ts";

const NAMESPACES = ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type }));

function read(parts: Record<string, unknown>) {
  const source = flagSource(
    { ociVersion: "1.2.0", root: { path: "rootfs" }, process: { args: ["a"], cwd: "/" }, ...parts },
    {},
  );
  const report = new Report(source);
  const app = readOciRuntime(source, {}, report)?.apps[0];
  return {
    app,
    problems: report.problems.map((p) => p.path),
    warnings: report.warnings.map((w) => w.path).toSorted(),
    code: report.code,
  };
}

const linux = (rest: Record<string, unknown>) => read({ linux: { namespaces: NAMESPACES, ...rest } });

test.each<[Record<string, unknown>, Partial<NeutralApp>]>([
  [{ annotations: { "org.smartos.image": "busybox:1" } }, { image: "busybox:1" }],
  [{ process: { args: ["a"], cwd: "/", env: ["A=1", "A=2=3"] } }, { env: { A: "2=3" }, user: "0:0" }],
  [{ process: { args: ["a"], cwd: "/", oomScoreAdj: 0, noNewPrivileges: false } }, { entrypoint: ["a"] }],
  [
    { mounts: [{ destination: "/n", type: "nfs", source: "h:/x" }] },
    { mounts: [expect.objectContaining({ type: "nfs" })] },
  ],
  [{ hooks: { poststop: [] } }, {}],
])("%j", (parts, app) => {
  expect(read(parts)).toMatchObject({ app, problems: [], warnings: [] });
});

describe("limits", () => {
  test.each<[Record<string, unknown>, Partial<NeutralApp>, string[]]>([
    [
      { memory: { limit: 1000, reservation: 500, swap: 2000 } },
      { memoryBytes: 1000, memoryRequestBytes: 500, swapBytes: 2000 },
      [],
    ],
    [{ cpu: { quota: 12_345, period: 10_000, shares: 512 } }, { cpuCores: 1.235, cpuShares: 512 }, []],
    [{ cpu: { quota: 50_000 } }, { cpuCores: 0.5 }, []],
    [{ pids: { limit: 64 } }, { pidsLimit: 64 }, []],
    [{ memory: { swappiness: 0, disableOOMKiller: false } }, {}, ["linux.resources.memory.swappiness"]],
    [{ blockIO: { weight: 10 }, unified: {} }, {}, ["linux.resources.blockIO"]],
    [
      {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
        ],
      },
      {},
      [],
    ],
    [{ devices: [{ allow: true, type: "c", major: 10, minor: 229, access: "rwm" }] }, {}, ["linux.resources.devices"]],
  ])("%j", (resources, app, warnings) => {
    expect(linux({ resources })).toMatchObject({ app, warnings, problems: [] });
  });

  test("Solaris' own caps win, and must be numbers", () => {
    const solaris = { cappedCPU: { ncpus: "0.5" }, cappedMemory: { physical: "1g" } };
    expect(read({ solaris, linux: { namespaces: NAMESPACES, resources: { memory: { limit: 5 } } } }).app).toMatchObject(
      {
        memoryBytes: 1024 ** 3,
        cpuCores: 0.5,
      },
    );
    expect(read({ solaris: { cappedCPU: { ncpus: "half" } } }).problems).toEqual(["solaris.cappedCPU.ncpus"]);
    expect(read({ solaris: { cappedMemory: { swap: "1gib" } } }).problems).toEqual(["solaris.cappedMemory.swap"]);
  });
});

test.each<[Record<string, unknown>, string[], string]>([
  [{ ociVersion: "2.0.0" }, ["ociVersion"], "SPEC_UNSUPPORTED"],
  [{ ociVersion: "one" }, ["ociVersion"], "SPEC_INVALID"],
  [{ vm: {} }, ["vm"], "SPEC_UNSUPPORTED"],
  [{ linux: { namespaces: NAMESPACES.slice(2) } }, ["linux.namespaces"], "SPEC_UNSUPPORTED"],
  [
    { linux: { namespaces: [...NAMESPACES, { type: "user", path: "/x" }] } },
    ["linux.namespaces[5].path"],
    "SPEC_UNSUPPORTED",
  ],
  [{ linux: { namespaces: [...NAMESPACES, { type: "pid" }] } }, ["linux.namespaces[5].type"], "SPEC_INVALID"],
  [{ mounts: [{ destination: "/x", type: "ext4", source: "/dev/sda" }] }, ["mounts[0].type"], "SPEC_UNSUPPORTED"],
  [{ mounts: [{ destination: "/x", type: "bind", source: "y" }] }, ["mounts[0].source"], "SPEC_UNSUPPORTED"],
  [{ mounts: [{ destination: "/x", options: ["bind"] }] }, ["mounts[0]"], "SPEC_INVALID"],
  [
    { process: { args: ["a"], cwd: "/", rlimits: [{ type: "RLIMIT_CORE", soft: "18446744073709551615", hard: 0 }] } },
    ["process.rlimits[0].soft"],
    "SPEC_INVALID",
  ],
  [{ root: undefined }, ["root"], "SPEC_INVALID"],
])("%j is refused", (parts, problems, code) => {
  expect(read(parts)).toMatchObject({ problems, code });
});
