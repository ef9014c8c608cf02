// What the vectors of docker-create leave open. Facts: container-specs.md 3.
import { describe, expect, test } from "vitest";
import { readDockerCreate } from "../../agent/spec/formats/docker-create/read.ts";
import { Report, type Given } from "../../agent/spec/formats/format.ts";
import type { NeutralApp } from "../../agent/spec/neutral.ts";
import { flagSource } from "../../agent/spec/source.ts";

function read(body: Record<string, unknown>, given: Given = {}) {
  const report = new Report(flagSource(body, {}));
  const app = readDockerCreate(flagSource(body, {}), given, report)?.apps[0];
  return {
    app,
    problems: report.problems.map((p) => `${p.path}: ${p.message}`),
    warnings: report.warnings.map((w) => w.path),
    code: report.code,
  };
}

const host = (HostConfig: Record<string, unknown>) => read({ Image: "a", HostConfig });

test("what the command line client sends when nothing is asked for is understood without a word", () => {
  const { app, problems, warnings } = read({
    Hostname: "",
    Domainname: "",
    User: "",
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: null,
    Cmd: ["date"],
    Image: "busybox",
    Volumes: {},
    WorkingDir: "",
    Entrypoint: null,
    OnBuild: null,
    Labels: {},
    HostConfig: {
      Binds: null,
      ContainerIDFile: "",
      LogConfig: { Type: "", Config: {} },
      NetworkMode: "default",
      PortBindings: {},
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      AutoRemove: false,
      VolumeDriver: "",
      VolumesFrom: null,
      ConsoleSize: [24, 80],
      CapAdd: null,
      CapDrop: null,
      CgroupnsMode: "",
      Dns: [],
      DnsOptions: [],
      DnsSearch: [],
      ExtraHosts: null,
      GroupAdd: null,
      IpcMode: "",
      Cgroup: "",
      Links: null,
      OomScoreAdj: 0,
      PidMode: "",
      Privileged: false,
      PublishAllPorts: false,
      ReadonlyRootfs: false,
      SecurityOpt: null,
      UTSMode: "",
      UsernsMode: "",
      ShmSize: 0,
      Isolation: "",
      CpuShares: 0,
      Memory: 0,
      NanoCpus: 0,
      CgroupParent: "",
      BlkioWeight: 0,
      BlkioWeightDevice: [],
      BlkioDeviceReadBps: [],
      BlkioDeviceWriteBps: [],
      BlkioDeviceReadIOps: [],
      BlkioDeviceWriteIOps: [],
      CpuPeriod: 0,
      CpuQuota: 0,
      CpuRealtimePeriod: 0,
      CpuRealtimeRuntime: 0,
      CpusetCpus: "",
      CpusetMems: "",
      Devices: [],
      DeviceCgroupRules: null,
      DeviceRequests: null,
      MemoryReservation: 0,
      MemorySwap: 0,
      MemorySwappiness: -1,
      OomKillDisable: false,
      PidsLimit: 0,
      Ulimits: [],
      CpuCount: 0,
      CpuPercent: 0,
      IOMaximumIOps: 0,
      IOMaximumBandwidth: 0,
      MaskedPaths: null,
      ReadonlyPaths: null,
    },
    NetworkingConfig: {
      EndpointsConfig: { default: { IPAMConfig: null, Links: null, Aliases: null, MacAddress: "" } },
    },
  });
  expect([problems, warnings]).toEqual([[], []]);
  expect(app).toMatchObject({ image: "busybox", entrypoint: null, args: ["date"], memoryBytes: null, cpuCores: null });
  expect(app).not.toHaveProperty("network");
});

describe("limits", () => {
  test.each<[Record<string, unknown>, Partial<NeutralApp>]>([
    [
      { Memory: 6291456, MemorySwap: -1 },
      { memoryBytes: 6291456, swapBytes: -1 },
    ],
    [{ MemoryReservation: 6291456 }, { memoryBytes: null, memoryRequestBytes: 6291456 }],
    [{ NanoCpus: 1 }, { cpuCores: 0.001 }],
    [{ NanoCpus: 1_500_000_001 }, { cpuCores: 1.501 }],
    [{ CpuQuota: 25_000 }, { cpuCores: 0.25 }],
    [{ CpuQuota: -1, CpuPeriod: 50_000 }, { cpuCores: null }],
    [{ BlkioWeight: 300 }, { ioWeight: 300 }],
  ])("%j", (limits, expected) => {
    expect(host(limits)).toMatchObject({ app: expected, problems: [], warnings: [] });
  });

  test.each([
    [{ Memory: 6291455 }, /^HostConfig.Memory: .*6 MiB/],
    [{ Memory: -1 }, /^HostConfig.Memory: must not be negative/],
    [{ MemorySwap: 6291456 }, /^HostConfig.MemorySwap: needs Memory/],
    [{ Memory: 8388608, MemorySwap: 6291456 }, /^HostConfig.MemorySwap: must not be less/],
    [{ Memory: 6291456, MemoryReservation: 8388608 }, /^HostConfig.MemoryReservation: must not be greater/],
    [{ NanoCpus: 1e9, CpuQuota: 1000 }, /^HostConfig.NanoCpus: cannot be combined/],
    [{ CpuQuota: 999 }, /^HostConfig.CpuQuota: must be at least 1000/],
    [{ CpuPeriod: 999 }, /^HostConfig.CpuPeriod: must be from 1000/],
    [{ BlkioWeight: 9 }, /^HostConfig.BlkioWeight: must be from 10 to 1000/],
  ])("%j is refused", (limits, problem) => {
    expect(host(limits).problems).toEqual([expect.stringMatching(problem)]);
  });
});

describe("mounts", () => {
  test("come from four places; an anonymous volume gives way", () => {
    const { app, problems, warnings } = read({
      Image: "a",
      Volumes: { "/data/": {}, "/cache": {} },
      HostConfig: {
        Binds: ["/src:/data:ro,Z", "/lone"],
        Mounts: [
          { Type: "volume", Source: "vol", Target: "/vol", VolumeOptions: { Subpath: "sub" } },
          { Type: "tmpfs", Target: "/t1", TmpfsOptions: { SizeBytes: 1048576, Mode: 1023 } },
        ],
        Tmpfs: { "/t2": "rw,nosuid,size=64k,mode=700" },
      },
    });
    expect(problems).toEqual([]);
    expect(warnings).toEqual(["HostConfig.Binds[0]"]);
    expect(app?.mounts).toEqual([
      { type: "bind", source: "/src", target: "/data", readOnly: true },
      { type: "volume", source: null, target: "/lone", readOnly: false },
      { type: "volume", source: "vol", target: "/vol", readOnly: false, subpath: "sub" },
      { type: "tmpfs", source: null, target: "/t1", readOnly: false, sizeBytes: 1048576, mode: "1777" },
      { type: "tmpfs", source: null, target: "/t2", readOnly: false, sizeBytes: 65536, mode: "0700" },
      { type: "volume", source: null, target: "/cache", readOnly: false },
    ]);
    expect(app?.places["mounts[0]"]).toEqual(["HostConfig", "Binds", 0]);
  });

  test.each([
    [{ Binds: ["./a:/b"] }, "HostConfig.Binds[0]", "SPEC_INVALID"],
    [{ Binds: ["/a:/b:ro:rw"] }, "HostConfig.Binds[0]", "SPEC_INVALID"],
    [{ Binds: ["/a:/b:exec"] }, "HostConfig.Binds[0]", "SPEC_INVALID"],
    [{ Binds: ["/a:/"] }, "HostConfig.Binds[0]", "SPEC_INVALID"],
    [{ Binds: ["/a:/b", "/c:/b/"] }, "HostConfig.Binds[1]", "SPEC_INVALID"],
    [{ Mounts: [{ Type: "bind", Target: "/b" }] }, "HostConfig.Mounts[0].Source", "SPEC_INVALID"],
    [{ Mounts: [{ Type: "image", Source: "x", Target: "/b" }] }, "HostConfig.Mounts[0].Type", "SPEC_UNSUPPORTED"],
    [{ Tmpfs: { "/t": "size=50%" } }, "HostConfig.Tmpfs./t", "SPEC_UNSUPPORTED"],
    [{ Tmpfs: { "/t": "size=big" } }, "HostConfig.Tmpfs./t", "SPEC_INVALID"],
    [{ VolumesFrom: ["db"] }, "HostConfig.VolumesFrom", "SPEC_UNSUPPORTED"],
  ])("%j is refused", (config, path, code) => {
    const { problems, code: given } = host(config);
    expect([problems.map((p) => p.split(": ")[0]), given]).toEqual([[path], code]);
  });
});

describe("ports", () => {
  test("ranges, any port, and ports that are exposed only", () => {
    const { app } = read({
      Image: "a",
      ExposedPorts: { "80/tcp": {}, "7000-7001/udp": {} },
      HostConfig: { PortBindings: { "80/TCP": [{ HostIp: "", HostPort: "8000-8010" }, { HostPort: "" }], "53": null } },
    });
    const plain = { count: 1, protocol: "tcp", hostIp: null, name: null };
    expect(app?.ports).toEqual([
      { ...plain, container: 53, host: null },
      { ...plain, container: 80, host: 8000, hostTo: 8010 },
      { ...plain, container: 80, host: 0 },
      { ...plain, container: 7000, count: 2, protocol: "udp", host: null },
    ]);
  });

  test.each([
    [{ "80/sctp": [] }, "SPEC_UNSUPPORTED"],
    [{ "0/tcp": [] }, "SPEC_INVALID"],
    [{ "80/icmp": [] }, "SPEC_INVALID"],
    [{ "80-90/tcp": [{ HostPort: "80-81" }] }, "SPEC_INVALID"],
    [{ "80/tcp": [{ HostPort: "x" }] }, "SPEC_INVALID"],
    [{ "80/tcp": [{ HostIp: "localhost" }] }, "SPEC_INVALID"],
  ])("%j is refused", (PortBindings, code) => {
    const result = host({ PortBindings });
    expect([result.problems.length, result.code]).toEqual([1, code]);
  });
});

describe("networks", () => {
  test.each<[Record<string, unknown>, Record<string, unknown>, Partial<NeutralApp>, string[]]>([
    [{ NetworkMode: "none" }, {}, { network: "none" }, []],
    [{ NetworkMode: "admin" }, {}, { networks: [{ name: "admin" }] }, []],
    [
      { NetworkMode: "admin" },
      { admin: { IPAMConfig: { IPv4Address: "10.0.0.9" }, Aliases: ["db"] } },
      { networks: [{ name: "admin", ip: "10.0.0.9" }] },
      ["NetworkingConfig.EndpointsConfig.admin.Aliases"],
    ],
    [
      {},
      { bridge: { IPAMConfig: { IPv4Address: "10.0.0.9" } } },
      {},
      ["NetworkingConfig.EndpointsConfig.bridge.IPAMConfig.IPv4Address"],
    ],
  ])("%j %j", (HostConfig, EndpointsConfig, app, warnings) => {
    const result = read({ Image: "a", HostConfig, NetworkingConfig: { EndpointsConfig } });
    expect(result).toMatchObject({ app, warnings, problems: [] });
  });

  test("host-gateway and text are no addresses", () => {
    expect(host({ ExtraHosts: ["a:host-gateway"] }).code).toBe("SPEC_UNSUPPORTED");
    expect(host({ ExtraHosts: ["a:b"] }).problems).toEqual([expect.stringMatching(/"b" is not an IP address/)]);
    expect(host({ ExtraHosts: ["a:[::1]"] }).app?.extraHosts).toEqual({ a: "::1" });
  });
});

describe("health, restarts and stopping", () => {
  test.each<[Record<string, unknown>, NeutralApp["health"]]>([
    [{ Test: [] }, undefined],
    [{ Test: ["NONE"] }, null],
    [
      { Test: ["CMD", "true"], Interval: 1_500_000 },
      { exec: ["true"], intervalMs: 2 },
    ],
    [
      { Test: ["CMD-SHELL", "a | b"], Retries: 2 },
      { exec: ["/bin/sh", "-c", "a | b"], retries: 2 },
    ],
    [{ StartPeriod: 5e9 }, { startPeriodMs: 5000 }],
  ])("%j", (Healthcheck, health) => {
    const { app, problems } = read({ Image: "a", Healthcheck });
    expect([app?.health, problems]).toEqual([health, []]);
  });

  test.each([
    [{ Healthcheck: { Test: ["RUN", "x"] } }, "Healthcheck.Test"],
    [{ Healthcheck: { Test: ["CMD-SHELL", "a", "b"] } }, "Healthcheck.Test"],
    [{ Healthcheck: { Interval: 999 } }, "Healthcheck.Interval"],
    [
      { HostConfig: { RestartPolicy: { Name: "always", MaximumRetryCount: 3 } } },
      "HostConfig.RestartPolicy.MaximumRetryCount",
    ],
    [{ HostConfig: { RestartPolicy: { Name: "sometimes" } } }, "HostConfig.RestartPolicy.Name"],
    [{ StopSignal: "SIGRTMIN+3" }, "StopSignal"],
    [{ StopTimeout: -2 }, "StopTimeout"],
    [{ WorkingDir: "srv" }, "WorkingDir"],
    [{ Env: ["=x"] }, "Env[0]"],
    [{ HostConfig: { LogConfig: { Type: "journald" } } }, "HostConfig.LogConfig.Type"],
  ])("%j is refused", (body, path) => {
    expect(read({ Image: "a", ...body }).problems.map((problem) => problem.split(": ")[0])).toEqual([path]);
  });
});

test("unknown fields are warned about, and do not keep the rest from being judged", () => {
  const { warnings, problems } = read({ Image: "", Imgae: "b", HostConfig: { Memroy: 1 } });
  expect(warnings.toSorted()).toEqual(["HostConfig.Memroy", "Imgae"]);
  expect(problems).toEqual(["Image: must not be empty"]);
});

test("query parameters", () => {
  expect(read({ Image: "a" }, { name: "/web" }).app?.name).toBe("web");
  expect(read({ Image: "a" }, { name: "w" }).problems).toHaveLength(1);
  expect(read({ Image: "a" }, { platform: "linux/amd64" }).problems).toEqual([]);
  expect(read({ Image: "a" }, { platform: "linux/arm64" })).toMatchObject({ code: "SPEC_UNSUPPORTED" });
});
