import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import type { ContainerSpec } from "../../agent/spec/container-spec.ts";
import { readSpecs, specFromFlags } from "../../agent/spec/read.ts";
import { messageOf } from "../support/spec-builders.ts";

function specOf(lines: string): ContainerSpec {
  const [document] = readSpecs(`image: a\n${lines}\n`, "web.yaml");
  if (document?.format !== "container") throw new Error("not a container spec");
  return document.spec;
}
const complaint = (text: string): string => messageOf(() => readSpecs(text, "web.yaml"));

describe("what people write", () => {
  test.each<[string, Partial<ContainerSpec>]>([
    ["memory: 512m", { memory: 512 * 1024 ** 2 }],
    ["memory: 1.5g", { memory: 1.5 * 1024 ** 3 }],
    ["memory: 16777216", { memory: 16777216 }],
    ["disk: 20GiB", { disk: 20 * 1024 ** 3 }],
    ["cpus: 1.5", { cpus: 1.5 }],
    ["cpus: 1.50", { cpus: 1.5 }],
    ['cpus: "1.5 cpus"', { cpus: 1.5 }],
    ["stopTimeout: 1m30s", { stopTimeout: 90_000 }],
    ["command: [sleep, 10, true, 0755]", { command: ["sleep", "10", "true", "0755"] }],
    ["env: {A: 1, B: x=y, C: null, D: true}", { env: ["A=1", "B=x=y", "C", "D=true"] }],
    ["env: [A=1, C]", { env: ["A=1", "C"] }],
    ["labels: [a=b, c]", { labels: { a: "b", c: "" } }],
    ["user: 1000", { user: "1000" }],
    ["networks: none", { networks: [] }],
    ["networks: lan", { networks: [{ name: "lan" }] }],
    [
      "networks: [lan, {name: dmz, ip: 10.0.0.7/24, mac: 0:1:2:a:b:C}]",
      {
        networks: [{ name: "lan" }, { name: "dmz", ip: "10.0.0.7/24", mac: "00:01:02:0a:0b:0c" }],
      },
    ],
    ["dns: 8.8.8.8", { dns: ["8.8.8.8"] }],
    ["extraHosts: {db: 10.0.0.9}", { extraHosts: ["db:10.0.0.9"] }],
    ["extraHosts: ['v6:fd00::1']", { extraHosts: ["v6:fd00::1"] }],
    [
      "volumes: [/data/a:/a:ro, /b]",
      {
        volumes: [
          { type: "bind", source: "/data/a", target: "/a", readOnly: true },
          { type: "volume", target: "/b", readOnly: false },
        ],
      },
    ],
    [
      "volumes: [{source: /data/a, target: /a}]",
      {
        volumes: [{ type: "bind", source: "/data/a", target: "/a", readOnly: false }],
      },
    ],
    ["restart: on-failure:3", { restart: { policy: "on-failure", maxRetries: 3 } }],
    ["restart: no", { restart: { policy: "no", maxRetries: 0 } }],
    ["log: {maxSize: 10m}", { log: { driver: "json-file", options: {}, maxSize: 10_000_000 } }],
    ["stopSignal: 9", { stopSignal: "9" }],
    ["zonelet: 1", { zonelet: 1 }],
  ])("%s", (lines, expected) => {
    expect(specOf(lines)).toEqual({ image: "a", ...expected });
  });

  test("several containers in one file", () => {
    const names = (text: string): unknown[] =>
      readSpecs(text, "web.yaml").map((d) => (d.format === "container" ? d.spec.name : undefined));
    expect(names("image: a\nname: x\n---\nimage: b\nname: y\n")).toEqual(["x", "y"]);
    expect(names("zonelet: 1\ncontainers:\n  - {image: a, name: x}\n  - {image: b, name: y}\n")).toEqual(["x", "y"]);
    expect(complaint("containers:\n  - {image: a}\n  - {image: b, nmae: y}\n")).toContain(
      'web.yaml:3:16 containers[1]: unknown key "nmae" (did you mean "name"?)',
    );
  });
});

describe("what they hear", () => {
  test.each([
    ["enviroment: {A: 1}", '2:1 unknown key "enviroment" (did you mean "env"?)'],
    ["mem_limit: 1g", 'unknown key "mem_limit" (did you mean "memory"?)'],
    ["memroy: 1g", 'unknown key "memroy" (did you mean "memory"?)'],
    ["zzzzzz: 1", 'unknown key "zzzzzz"\n'],
    ["ports: ['80:80']", '"ports" is not needed: every zone has its own address'],
    ["privileged: true", '"privileged" cannot be honoured in a zone'],
    ["init_name: /bin/sh", '"init_name" must not be set by a spec'],
    ["networks: [{name: a, ip: 10.0.0.264}]", "2:26 networks[0].ip: 10.0.0.264 is not an IPv4 address"],
    ["networks: [{name: a, ip: 10.0.0.2/33}]", "with a prefix of 0 to 32"],
    ["networks: [{nmae: a}]", 'networks[0]: unknown key "nmae" (did you mean "name"?)'],
    ["memory: lots", '2:9 memory: "lots" is not a size; write e.g. 512m'],
    ["memory: 512", "memory: 512 B is below the minimum of 6 MiB (did you mean 512m?)"],
    ["memory: 5m", "5 MiB is below the minimum of 6 MiB"],
    ["memory: -1", "is not a size"],
    ["memory:", "2:1 memory: has no value"],
    ["memory: [1]", "must be text or a number, not a list"],
    ["tty: yes", 'tty: must be true or false, not "yes"'],
    ["command: sleep 10", 'command: must be a list or none, not "sleep 10"'],
    ["stopTimeout: 10", "10 is not a duration; write the unit, e.g. 10s"],
    ["cpus: 0", "0 is not a number of CPUs"],
    ["cpus: -1", "-1 is not a number of CPUs"],
    ["pids: 1.5", "pids: must be a whole number, not 1.5"],
    ["pids: 3", "pids: must be a whole number from 16 to 1000000"],
    ["restart: sometimes", '"sometimes" is not allowed; use one of no, always, on-failure'],
    ["restart: always:3", '"always:3" is not allowed'],
    ["env: ['=x']", 'env[0]: "" is not a name for a variable'],
    ["env: {'a b': x}", '"a b" is not a name for a variable'],
    ["env: {A: [1]}", "env.A: must be"],
    ["name: -rm", "name: must be 1 to 63 letters"],
    ["hostname: my_host", "hostname: must be made of letters, digits, hyphens"],
    ["volumes: ['.data:/x']", "neither an absolute path nor a name"],
    ["volumes: ['data:x']", "must be /SOURCE:/TARGET[:ro], NAME:/TARGET[:ro] or /TARGET"],
    ["volumes: [{source: data, target: /x, subpath: ../y}]", "must be a relative path without `..`"],
    ["volumes: [{target: /x, subpath: y}]", "belongs to a named volume only"],
    ["volumes: [{type: nfs, source: /a, target: /x}]", "must be HOST:/PATH"],
    ["volumes: [{type: empty, target: /x, mode: 755}]", 'write the mode in quotes: "0755"'],
    ["volumesFrom: ['a:b:c']", "must be CONTAINER or CONTAINER:ro"],
    ["files: [{target: x, content: y}]", "must be an absolute path"],
    ["volumes: ['/a:/b:rx']", 'the mode "rx" is not allowed; use ro, rw or nocopy'],
    ["volumes: [{type: bind, target: /a}]", "volumes[0].source: is required for a bind mount"],
    [
      "volumes: [{type: blind, target: /a}]",
      '"blind" is not allowed; use one of bind, volume, empty, nfs (did you mean "bind"?)',
    ],
    ["dns: [8.8.8]", '"8.8.8" is not an IP address'],
    ["extraHosts: [db]", '"db" is not NAME:ADDRESS'],
    ["workdir: srv", "workdir: must be an absolute path"],
    ["log: {maxSize: 10}", "log.maxSize: 10 is not a log size"],
    ["log: {maxSize: 10mb}", '"10mb" is not a log size'],
    ["kernelVersion: 4.3", "kernelVersion: must be text, not 4.3"],
    ["zonelet: 2", "zonelet: 2 is not allowed; use 1"],
    ['user: "a\\0b"', "must not contain a NUL"],
  ])("%s", (lines, expected) => {
    expect(complaint(`image: a\n${lines}\n`)).toContain(expected);
  });

  test("an image is required", () => {
    expect(complaint("name: x\n")).toContain("web.yaml:1:1 image: is required");
    expect(complaint("- image: a\n")).toContain("a spec is a map of keys");
  });

  test("everything at once, in the order of the file, with the line and a caret", () => {
    expect(complaint("image: a\nnetworks:\n  - name: lan\n    ip: 10.0.0.264\nmemory: 1\nenviroment: {}\n")).toBe(
      [
        "web.yaml:4:9 networks[0].ip: 10.0.0.264 is not an IPv4 address",
        "  4 |     ip: 10.0.0.264",
        "    |         ^",
        "web.yaml:5:9 memory: 1 B is below the minimum of 6 MiB",
        "  5 | memory: 1",
        "    |         ^",
        'web.yaml:6:1 unknown key "enviroment" (did you mean "env"?)',
        "  6 | enviroment: {}",
        "    | ^",
      ].join("\n"),
    );
  });

  test("programs get the same as data", () => {
    const error: unknown = (() => {
      try {
        return readSpecs("image: a\nmemroy: 1g\n", "web.yaml");
      } catch (e) {
        return e;
      }
    })();
    expect(error).toBeInstanceOf(AgentError);
    expect(error).toMatchObject({
      code: "SPEC_INVALID",
      details: {
        problems: [
          {
            file: "web.yaml",
            line: 2,
            column: 1,
            path: "",
            message: 'unknown key "memroy" (did you mean "memory"?)',
            suggestion: "memory",
          },
        ],
      },
    });
  });
});

describe("flags", () => {
  test("become a spec", async () => {
    const { spec } = await specFromFlags({ image: "a", memory: "512m", cpus: "1.5", env: ["A=1"] }, {}, ".");
    expect(spec).toEqual({ image: "a", memory: 512 * 1024 ** 2, cpus: 1.5, env: ["A=1"] });
  });

  test("are named in errors", async () => {
    const flags = { memory: "--memory", networks: "--net", "networks[0].ip": "--ip", restart: "--restart" };
    const made = specFromFlags(
      { image: "a", memory: "lots", networks: [{ name: "lan", ip: "10.0.0.264" }], restart: "x" },
      flags,
      ".",
    );
    await expect(made).rejects.toThrow(
      /--memory: "lots" is not a size.*\n--ip: 10\.0\.0\.264 is not an IPv4 address\n--restart: "x"/,
    );
  });
});
