// What the vectors of appc-pod and appc-image leave open. Facts: container-specs.md 6.
import { describe, expect, test } from "vitest";
import { readImageManifest } from "../../agent/spec/formats/appc/read-image.ts";
import { readPodManifest } from "../../agent/spec/formats/appc/read-pod.ts";
import { Report, type FormatReader } from "../../agent/spec/formats/format.ts";
import { flagSource } from "../../agent/spec/source.ts";
import { vectorPath } from "../vectors/spec-form.ts";

function read(reader: FormatReader, value: unknown) {
  const source = flagSource(value, {});
  const report = new Report(source);
  const document = reader(source, {}, report);
  return {
    document,
    app: document?.apps[0],
    problems: report.problems.map((p) => p.path),
    warnings: report.warnings.map((w) => w.path),
    code: report.code,
  };
}

const IMAGE = { id: "sha512-abc", name: "example.com/a" };
const APP = { exec: ["/a"], user: "0", group: "0" };

const pod = (parts: Record<string, unknown>) =>
  read(readPodManifest, { acKind: "PodManifest", acVersion: "0.8.11", ...parts });
const app = (parts: Record<string, unknown>, rest: Record<string, unknown> = {}) =>
  pod({ apps: [{ name: "a", image: IMAGE, app: { ...APP, ...parts } }], ...rest });
const isolators = (...list: [string, unknown][]) => app({ isolators: list.map(([name, value]) => ({ name, value })) });

describe("isolators", () => {
  test.each<[string, unknown, Record<string, unknown>, string[]]>([
    ["resource/memory", { request: "1M", limit: "1Mi" }, { memoryBytes: 1048576, memoryRequestBytes: 1000000 }, []],
    ["resource/memory", { request: 1000 }, { memoryBytes: null, memoryRequestBytes: 1000 }, []],
    ["resource/cpu", { request: "250m", limit: "1.0001" }, { cpuCores: 1.001, cpuRequestCores: 0.25 }, []],
    ["os/linux/cpu-shares", 512, { cpuShares: 512 }, []],
    ["os/linux/no-new-privileges", false, {}, []],
    ["resource/block-iops", { default: true, limit: "100" }, {}, ["apps[0].app.isolators:resource/block-iops"]],
    ["example.com/own", { any: 1 }, {}, ["apps[0].app.isolators:example.com/own"]],
  ])("%s %j", (name, value, expected, warnings) => {
    const result = isolators([name, value]);
    expect(result).toMatchObject({ app: expected, problems: [] });
    expect(result.warnings.map(vectorPath)).toEqual(warnings);
  });

  test.each<[string, unknown, string]>([
    ["resource/memory", { limit: "1MB" }, ".limit"],
    ["resource/memory", { limit: "-1" }, ".limit"],
    ["resource/memory", {}, ""],
    ["resource/memory", { default: true, limit: "1" }, ".default"],
    ["resource/memory", { request: "2", limit: "1" }, ".request"],
    ["resource/block-iops", { default: true, request: "1", limit: "1" }, ".request"],
    ["os/linux/cpu-shares", 1, ""],
    ["os/linux/oom-score-adj", 1001, ""],
    ["os/linux/capabilities-remove-set", { set: [] }, ".set"],
    ["os/linux/seccomp-retain-set", { set: ["read"], errno: "eperm" }, ".errno"],
    ["os/linux/selinux-context", { user: "a:b", role: "r", type: "t", level: "s0:c1" }, ".user"],
  ])("%s %j is refused", (name, value, below) => {
    expect(isolators([name, value]).problems).toEqual([`apps[0].app.isolators[0].value${below}`]);
  });

  test("the last of two counts, seccomp comes once, a pod's are not compared", () => {
    expect(isolators(["os/linux/cpu-shares", 2], ["os/linux/cpu-shares", 4]).app?.cpuShares).toBe(4);
    const twice = ["os/linux/seccomp-remove-set", { set: ["reboot"] }] satisfies [string, unknown];
    expect(isolators(twice, twice).problems).toEqual(["apps[0].app.isolators[1].name"]);
    const list = [twice, twice].map(([name, value]) => ({ name, value }));
    expect(app({}, { isolators: list }).problems).toEqual([]);
  });
});

describe("ports of the pod", () => {
  const ports = [{ name: "http", protocol: "tcp", port: 80 }];
  const plain = { count: 1, protocol: "tcp" };
  test.each<[Record<string, unknown>, unknown, unknown]>([
    [
      { name: "http", hostPort: 8080, hostIP: "10.0.0.1" },
      [{ ...plain, container: 80, host: 8080, hostIp: "10.0.0.1", name: "http" }],
      undefined,
    ],
    [
      { name: "http", hostPort: 8080, podPort: 81 },
      [{ ...plain, container: 81, host: 8080, hostIp: null, name: "http" }],
      undefined,
    ],
    [
      { name: "other", hostPort: 8080, podPort: 81 },
      [{ ...plain, container: 80, host: null, hostIp: null, name: "http" }],
      [{ ...plain, container: 81, host: 8080, hostIp: null, name: "other" }],
    ],
  ])("%j", (published, ofApp, ofPod) => {
    const result = app({ ports }, { ports: [published] });
    expect([result.app?.ports, result.document?.ports, result.problems]).toEqual([ofApp, ofPod, []]);
  });

  test("must be some app's, unless an image may have them", () => {
    const published = [{ name: "other", hostPort: 1 }];
    expect(app({ ports }, { ports: published }).problems).toEqual(["ports[0].name"]);
    expect(pod({ apps: [{ name: "a", image: IMAGE }], ports: published })).toMatchObject({
      problems: [],
      warnings: ["ports[0].name"],
    });
  });
});

test.each<[Record<string, unknown>, string[], string]>([
  [{ apps: [] }, ["apps"], "SPEC_INVALID"],
  [{ apps: [{ name: "a", image: { name: "b" } }] }, ["apps[0].image.id"], "SPEC_INVALID"],
  [{ apps: [{ name: "a", image: IMAGE, app: { exec: ["a"], user: "0" } }] }, ["apps[0].app.group"], "SPEC_INVALID"],
  [
    {
      apps: [
        {
          name: "a",
          image: {
            ...IMAGE,
            labels: [
              { name: "os", value: "linux" },
              { name: "arch", value: "aarch64" },
            ],
          },
        },
      ],
    },
    ["apps[0].image.labels"],
    "SPEC_UNSUPPORTED",
  ],
  [
    { apps: [{ name: "a", image: IMAGE }], volumes: [{ name: "v", kind: "host" }] },
    ["volumes[0].source"],
    "SPEC_INVALID",
  ],
  [
    { apps: [{ name: "a", image: IMAGE }], volumes: [{ name: "v", kind: "empty", mode: "0999" }] },
    ["volumes[0].mode"],
    "SPEC_INVALID",
  ],
  [
    { apps: [{ name: "a", image: IMAGE }], annotations: [{ name: "created", value: "today" }] },
    ["annotations"],
    "SPEC_INVALID",
  ],
  [{ apps: [{ name: "a--b", image: IMAGE }] }, [], "SPEC_UNSUPPORTED"],
])("%j: %j", (parts, problems, code) => {
  const result = pod(parts);
  expect(result.problems).toEqual(problems);
  if (problems.length > 0) expect(result.code).toBe(code);
});

test.each<[Record<string, unknown>, string]>([
  [
    {
      environment: [
        { name: "A", value: "1" },
        { name: "A", value: "2" },
      ],
    },
    "apps[0].app.environment[1].name",
  ],
  [{ environment: [{ name: "1A", value: "" }] }, "apps[0].app.environment[0].name"],
  [{ ports: [{ name: "p", protocol: "tcp", port: 65535, count: 2 }] }, "apps[0].app.ports[0].count"],
  [{ ports: [{ name: "p", protocol: "sctp", port: 1 }] }, "apps[0].app.ports[0].protocol"],
  [{ eventHandlers: [{ name: "mid-run", exec: ["a"] }] }, "apps[0].app.eventHandlers[0].name"],
])("app %j is refused", (parts, path) => {
  expect(app(parts).problems).toEqual([path]);
});

test("an image manifest without an app leaves everything to who runs it", () => {
  const { app: image } = read(readImageManifest, {
    acKind: "ImageManifest",
    acVersion: "0.8.11",
    name: "example.com/base",
  });
  expect(image).toMatchObject({ name: "base", entrypoint: null, args: null, user: null, cwd: null });
});
