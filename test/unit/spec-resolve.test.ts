import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { checkUser } from "../../agent/spec/user.ts";
import { aNode, anImage, FILES, messageOf, prepareText, type PrepareOptions } from "../support/spec-builders.ts";

const manifestOf = (lines: string, options: PrepareOptions = {}) =>
  prepareText(`image: nginx\n${lines}\n`, options).manifest;
const metadataOf = (lines: string, options: PrepareOptions = {}) => manifestOf(lines, options).internal_metadata ?? {};
const refusal = (lines: string, options: PrepareOptions = {}) =>
  messageOf(() => prepareText(`image: nginx\n${lines}\n`, options));
const codeOf = (lines: string, options: PrepareOptions = {}): string => {
  try {
    prepareText(`image: nginx\n${lines}\n`, options);
  } catch (error) {
    if (error instanceof AgentError) return error.code;
  }
  return "none";
};

describe("command: Docker's rules, not sdc-docker's", () => {
  const both = { Entrypoint: ["/entry"], Cmd: ["serve"] };
  test.each([
    ["nothing, image has Cmd", "", { Cmd: ["sh"] }, [], ["sh"]],
    ["nothing, image has both", "", both, ["/entry"], ["serve"]],
    ["command keeps the image's entrypoint", "command: [x]", both, ["/entry"], ["x"]],
    ["entrypoint drops the image's command", "entrypoint: [e]", both, ["e"], []],
    ["both", "entrypoint: [e]\ncommand: [x]", both, ["e"], ["x"]],
    ["empty command falls back", "command: []", both, ["/entry"], ["serve"]],
    ["empty entrypoint runs the image's command", "entrypoint: []", both, [], ["serve"]],
    ["empty entrypoint with a command", "entrypoint: []\ncommand: [x]", both, [], ["x"]],
    ['one empty word means none (--entrypoint "")', 'entrypoint: [""]\ncommand: [x]', both, [], ["x"]],
  ])("%s", (_, lines, config, entrypoint, cmd) => {
    const metadata = metadataOf(lines, { image: anImage(config) });
    expect(metadata["docker:entrypoint"]).toBe(JSON.stringify(entrypoint));
    expect(metadata["docker:cmd"]).toBe(JSON.stringify(cmd));
  });

  test.each([
    ["neither says anything", "", {}],
    ["only an empty word", 'entrypoint: [""]', { Entrypoint: ["/entry"], Cmd: ["serve"] }],
  ])("no command: %s", (_, lines, config) => {
    expect(codeOf(lines, { image: anImage(config) })).toBe("NO_COMMAND");
  });
});

test("environment: the image's order, overridden in place, then the spec's own; a bare name removes", () => {
  const image = anImage({ Cmd: ["sh"], Env: ["PATH=/bin", "A=1", "B=2", "=broken", "C=3"] });
  expect(metadataOf("env: [B=two, C, D=4, A=one, D=5]", { image })["docker:env"]).toBe(
    '["PATH=/bin","A=one","B=two","=broken","D=5"]',
  );
});

describe("user", () => {
  test.each([
    ["spec", "user: web", { User: "root" }, "web"],
    ["image", "", { User: "1000:1000" }, "1000:1000"],
    ["an empty one is the image's", "user: ''", { User: "web" }, "web"],
    ["group alone", "user: ':50'", {}, "0:50"],
    ["none", "", {}, undefined],
  ])("%s", (_, lines, config, expected) => {
    expect(metadataOf(lines, { image: anImage({ Cmd: ["sh"], ...config }) })["docker:user"]).toBe(expected);
  });

  test("a uid the image does not list would run as root and is refused", () => {
    expect(codeOf("user: 4711")).toBe("USER_UNKNOWN");
    expect(refusal("user: 4711")).toBe(
      "web.yaml:2:7 user: the image's passwd file has no uid 4711, and the platform would run the container as root instead\n" +
        "  2 | user: 4711\n    |       ^",
    );
    expect(refusal("", { image: anImage({ Cmd: ["sh"], User: "4711" }) })).toContain(
      'image: its user "4711" cannot be had: ',
    );
    expect(codeOf("user: 4711", { files: { passwd: "", group: "" } })).toBe("USER_UNKNOWN");
  });

  test.each([
    ["nobody", "has no user"],
    ["web:nogroup", "no group"],
    ["web:999", "no group"],
    ["web:", "is not a user"],
    ["a:b:c", "is not a user"],
  ])("%s is refused", (user, words) => {
    const verdict = checkUser(user, FILES);
    expect(verdict.ok ? "" : verdict.message).toContain(words);
  });

  test.each(["", "0", "root", "0:0", "root:root", "web", "1000", "web:logs", "1000:50"])("%j is fine", (user) => {
    expect(checkUser(user, FILES)).toEqual({ ok: true, user });
  });

  test("what cannot be checked, and a primary group that is not listed, warn", () => {
    expect(checkUser("web", {})).toMatchObject({
      ok: true,
      warning: expect.stringContaining("could not be checked") as string,
    });
    expect(checkUser("lone", FILES)).toMatchObject({
      warning: expect.stringContaining("primary group 4242") as string,
    });
    expect(checkUser("lone:0", FILES)).toEqual({ ok: true, user: "lone:0" });
  });
});

describe("networks", () => {
  test("the first is primary and has the gateway; prefix and resolvers come from the configuration", () => {
    const manifest = manifestOf("networks: [{name: lan, ip: 10.0.0.7}, {name: dmz, ip: 203.0.113.9/26}]");
    expect(manifest.nics).toEqual([
      { nic_tag: "admin", ips: ["10.0.0.7/24"], gateways: ["10.0.0.1"], primary: true },
      { nic_tag: "external", ips: ["203.0.113.9/26"], vlan_id: 20, mtu: 9000 },
    ]);
    expect(manifest.resolvers).toEqual(["10.0.0.1", "10.0.0.2", "203.0.113.1"]);
  });

  test("dns wins over the networks' resolvers", () => {
    expect(manifestOf("networks: none\ndns: [9.9.9.9]").resolvers).toEqual(["9.9.9.9"]);
  });

  test("the node's default network, and none", () => {
    const node = aNode();
    const withDefault = aNode({ defaults: { ...node.defaults, network: "lan" } });
    expect(manifestOf("", { node: withDefault }).nics).toEqual([{ nic_tag: "admin", ips: ["dhcp"], primary: true }]);
    expect(manifestOf("").nics).toEqual([]);
    expect(manifestOf("networks: none", { node: withDefault }).nics).toEqual([]);
    expect(codeOf("", { node: aNode({ defaults: { ...node.defaults, network: "gone" } }) })).toBe("CONFIG_INVALID");
  });

  test("dhcp warns: the container init does not speak it", () => {
    const { warnings } = prepareText("image: nginx\nnetworks: lan\n");
    expect(warnings[0]).toMatchObject({ path: "networks[0]", where: "web.yaml:2:11" });
    expect(warnings[0]?.message).toContain("does not speak DHCP");
  });

  test.each([
    [
      "networks: [lna]",
      'networks[0].name: there is no network "lna" (did you mean "lan"?); the configuration has lan, dmz',
    ],
    ["networks: [{name: dmz, ip: 10.0.0.7}]", "networks[0].ip: 10.0.0.7 needs a prefix: write 10.0.0.7/24"],
    ["networks: [{name: lan, ip: 10.1.0.7}]", "networks[0].ip: 10.1.0.7 is not in 10.0.0.0/24, the subnet of lan"],
  ])("%s", (lines, expected) => {
    expect(refusal(lines)).toContain(expected);
  });
});

describe("limits", () => {
  test.each([
    ["memory: 1g", { max_physical_memory: 1024, max_locked_memory: 1024, max_swap: 2048 }],
    ["memory: 64m", { max_physical_memory: 64, max_swap: 256 }],
    ["memory: 6291457", { max_physical_memory: 7, max_swap: 256 }],
    ["", { max_physical_memory: 512, max_swap: 1024, quota: 10, max_lwps: 2000, tmpfs: 0, zlog_max_size: 50_000_000 }],
    ["memory: 1g\nmemorySwap: 1g", { max_swap: 1024 }],
    ["memory: 1g\nmemorySwap: -1", { max_swap: 2048 }],
    ["cpus: 0.07", { cpu_cap: 7 }],
    ["cpus: 0.291", { cpu_cap: 30 }],
    ["cpuShares: 1024", { cpu_shares: 100 }],
    ["cpuShares: 2", { cpu_shares: 1 }],
    ["disk: 1.2g", { quota: 2 }],
    ["disk: 0", { quota: 0 }],
    ["pids: 64", { max_lwps: 64 }],
    ["ioPriority: 50", { zfs_io_priority: 50 }],
    ["log: {maxSize: 10m}", { zlog_max_size: 10_000_000 }],
    ["log: {options: {max-size: 2m}}", { zlog_max_size: 2_000_000 }],
    ["firewall: true", { firewall_enabled: true }],
  ])("%j", (lines, expected) => {
    expect(manifestOf(lines)).toMatchObject(expected);
  });

  test("swap is memory plus swap", () => {
    expect(refusal("memory: 1g\nmemorySwap: 512m")).toContain("memorySwap: is memory plus swap");
  });
});

describe("volumes", () => {
  const image = anImage({ Cmd: ["sh"], Volumes: { "/var/lib/db/": {}, "/srv": {}, "/etc/hosts": {} } });

  test("binds, anonymous ones, and the image's where nothing else is mounted", () => {
    const { manifest, bindSources } = prepareText("image: a\nvolumes: ['/data/x/:/srv/:ro', /cache]\n", { image });
    expect(manifest.filesystems).toEqual([
      { type: "lofs", source: "/data/x", target: "/srv", options: ["ro", "nodevices"] },
      { type: "lofs", source: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, target: "/cache", options: [] },
      { type: "lofs", source: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, target: "/var/lib/db", options: [] },
    ]);
    expect(bindSources).toMatchObject([{ path: "/data/x", place: { where: "web.yaml:2:11" } }]);
  });

  test.each([
    [
      "volumes: [/etc:/x]",
      "/etc is not below a directory of the configuration's mounts.allowedRoots, which allows /data",
    ],
    ["volumes: [/data/../etc:/x]", "/etc is not below"],
    ["volumes: [/database:/x]", "/database is not below"],
    ["volumes: [/data:/]", "the target must not be the root directory"],
    ["volumes: [/data/a:/x, /data/b:/x/]", "a second volume at /x"],
  ])("%s", (lines, expected) => {
    expect(refusal(lines)).toContain(expected);
  });

  test("the platform's own files are left out with a warning", () => {
    const { manifest, warnings } = prepareText("image: a\nvolumes: ['/data/h:/etc/hosts']\n");
    expect(manifest.filesystems).toBeUndefined();
    expect(warnings[0]).toMatchObject({ path: "volumes[0]", hint: "use extraHosts" });
  });

  test("no allowed roots, no binds", () => {
    expect(refusal("volumes: [/data:/x]", { node: aNode({ mounts: { allowedRoots: [] } }) })).toContain(
      "which allows none",
    );
  });
});

describe("the rest", () => {
  test.each([
    ["no", undefined],
    ["always", "always"],
    ["unless-stopped", "always"],
    ["on-failure", "on-failure"],
    ["on-failure:0", "on-failure"],
    ["on-failure:5", "on-failure:5"],
  ])("restart %s", (restart, expected) => {
    expect(metadataOf(`restart: ${restart}`)["docker:restartpolicy"]).toBe(expected);
  });

  test("a container that removes itself cannot be restarted", () => {
    expect(refusal("autoRemove: true\nrestart: always")).toContain(
      "restart: a container that is removed when it exits",
    );
  });

  test.each([
    ["stopSignal: int", {}, "SIGINT"],
    ["stopSignal: 10", {}, "SIGUSR1"],
    ["", { StopSignal: "SIGQUIT" }, "SIGQUIT"],
    ["", { StopSignal: "SIGRTMIN+3" }, "SIGTERM"],
    ["", {}, "SIGTERM"],
  ])("stop signal %j %j", (lines, config, expected) => {
    const prepared = prepareText(`image: a\n${lines}\n`, { image: anImage({ Cmd: ["sh"], ...config }) });
    expect(prepared.stopSignal).toBe(expected);
    expect(prepared.warnings).toHaveLength("StopSignal" in config && config.StopSignal === "SIGRTMIN+3" ? 1 : 0);
  });

  test("an unknown stop signal is refused", () => {
    expect(refusal("stopSignal: SIGFOO")).toContain('"SIGFOO" is not a signal');
  });

  test("kernel version: spec, image, node", () => {
    const image = anImage({ Cmd: ["sh"] }, "3.13.0");
    expect(manifestOf("kernelVersion: 5.10.0", { image }).kernel_version).toBe("5.10.0");
    expect(manifestOf("", { image }).kernel_version).toBe("3.13.0");
    expect(manifestOf("").kernel_version).toBe("4.3.0");
  });

  test("labels: the image's under the spec's, reserved ones never", () => {
    const image = anImage({ Cmd: ["sh"], Labels: { a: "1", b: "2", "triton.cns.services": "x" } });
    expect(manifestOf("labels: {b: two, com.example: z}", { image }).tags).toEqual({
      sdc_docker: true,
      "docker:label:a": "1",
      "docker:label:b": "two",
      "docker:label:com.example": "z",
    });
    expect(refusal("labels: {zonelet.mine: x}")).toContain(
      "labels beginning with zonelet., triton., com.joyent. are reserved",
    );
  });

  test.each([
    ["log: {driver: syslog}", "log.driver: the log driver syslog needs the platform's logger"],
    [
      "log: {driver: josn-file}",
      'unsupported log driver: josn-file (did you mean "json-file"?); use json-file or none',
    ],
    ["log: {options: {max-sise: 1m}}", "unknown log opt: 'max-sise' for json-file driver (did you mean \"max-size\"?)"],
    ["log: {options: {max-size: '10'}}", "log.options.max-size: must be a positive integer size ([0-9+][k|m|g])"],
    ["log: {driver: none, options: {a: b}}", "log driver: none does not support options"],
  ])("%s", (lines, expected) => {
    expect(refusal(lines)).toContain(expected);
  });

  test("text the container init cannot carry is refused with its place", () => {
    expect(refusal('command: [a, "b\\x1b"]')).toContain(
      "web.yaml:2:14 command[1]: contains the control character 0x1b",
    );
    expect(refusal('env: {A: "\\ud800"}')).toContain("is not valid Unicode");
  });

  test("problems of all parts come at once", () => {
    const told = refusal("networks: [nope]\nvolumes: [/etc:/x]\nlog: {driver: gelf}\nstopSignal: X");
    expect(told.match(/web\.yaml:/g)).toHaveLength(4);
  });
});

test("a mount comes before those below it, in the order of Docker, so that none is hidden", () => {
  const image = anImage({ Cmd: ["sh"], Volumes: { "/a": {} } });
  const { filesystems } = manifestOf("volumes: ['/data/x:/a/b/c', '/data/y:/a/b', '/data/z:/q']", { image });
  expect(filesystems?.map((fs) => fs.target)).toEqual(["/q", "/a", "/a/b", "/a/b/c"]);
});
