import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBootLog } from "../../../agent/labhost/dockerinit/boot-log.ts";
import { dockerinit, type ProcessPlan } from "../../../agent/labhost/dockerinit/dockerinit.ts";
import { dockerexec } from "../../../agent/labhost/dockerinit/dockerexec.ts";
import { buildEnvironment, workdirPath } from "../../../agent/labhost/dockerinit/environment.ts";
import { parseGroup, parsePasswd, resolveIdentity } from "../../../agent/labhost/dockerinit/identity.ts";
import { parseNvlist, parseStringArray } from "../../../agent/labhost/dockerinit/json-nvlist.ts";
import { zoneMetadata } from "../../../agent/labhost/dockerinit/metadata.ts";
import { ZoneFiles } from "../../../agent/labhost/runtime/in-root.ts";

const passwd = parsePasswd(
  "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nlost:x:7:77::/l:/x\nbad:x:y:1::/:/\n",
);
const groups = parseGroup("root:x:0:\nnode:x:1000:\naudio:x:63:node,root\nbad:x\n");

// dockerinit.md 4.3
describe("docker:user", () => {
  test.each([
    ["0", { uid: 0, gid: 0 }],
    ["", { uid: 0, gid: 0 }],
    ["node", { uid: 1000, gid: 1000, supplementary: [1000, 63] }],
    ["1000", { uid: 1000, gid: 1000, supplementary: [1000, 63] }],
    ["node:audio", { uid: 1000, gid: 63, supplementary: [63] }],
    ["node:63", { uid: 1000, gid: 63 }],
    ["node:", { uid: 1000, gid: 0, supplementary: [0, 63] }],
    ["4711", { uid: undefined, gid: undefined }],
    ["node:4711", { uid: 1000, gid: undefined, supplementary: undefined }],
    ["lost", { uid: 7, gid: undefined, supplementary: undefined }],
  ])("%s", (value, expected) => {
    const identity = resolveIdentity(value, passwd, groups);
    expect({
      uid: identity.passwd?.uid,
      gid: identity.group?.gid,
      supplementary: identity.supplementary,
    }).toMatchObject(expected);
  });

  test.each([
    ["nobody", 29, "UID is not a number: nobody"],
    [":node", 29, "UID is not a number: :node"],
    ["bad", 29, "UID is not a number: bad"],
    ["node:nogroup", 5, "GID is not a number: nogroup"],
    ["node:a:b", 5, "GID is not a number: a:b"],
  ])("%s is refused", (value, code, message) => {
    expect(() => resolveIdentity(value, passwd, groups)).toThrow(expect.objectContaining({ code, message }) as Error);
  });
});

// dockerinit.md 4.4, 4.5
test.each([
  [undefined, "/home/node", "/"],
  ["srv/app/", "/home/node", "/srv/app"],
  ["//srv//app//", undefined, "/srv/app"],
  ["~", "/home/node", "/home/node"],
  ["~foo", "/home/node", "/home/node/foo"],
  ["~", undefined, "/~"],
  ["/", undefined, "/"],
])("workdir %s with home %s is %s", (value, home, path) => {
  expect(workdirPath(value, home)).toBe(path);
});

test("a later variable replaces an earlier one in its place", () => {
  const { entries, ignored } = buildEnvironment({
    home: "/root",
    hostname: "web",
    linkEnv: ["A=1", "HOME=/l"],
    env: ["TERM=vt100", "A=2=3", "=x", "novalue", "E="],
  });
  expect(entries).toEqual([
    "TERM=vt100",
    "HOME=/l",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOSTNAME=web",
    "A=2=3",
    "E=",
  ]);
  expect(ignored).toEqual(["=x", "novalue"]);
});

// dockerinit.md 1.1
describe("the JSON parser's limits", () => {
  test.each([
    ['["a","b"] trailing', ["a", "b"]],
    ['["\\u0010|\\u001b|\\u000bcut"]', ["\n|\u0001|"]],
    ['["é\\n\\/"]', ["é\n/"]],
    ["[]", []],
  ])("%s", (text, expected) => {
    expect(parseStringArray("docker:cmd", text)).toEqual(expected);
  });

  test.each([
    ["null", 20],
    ['"x"', 20],
    ["", 20],
    ["[1.5]", 20],
    ["[1e3]", 20],
    ["[4294967296]", 20],
    ['["\\u0200"]', 20],
    ['["a",]', 20],
    ['["a"', 20],
    ['["a",1]', 1],
    ["{}", 1],
  ])("%s is fatal with %s", (text, code) => {
    expect(() => parseStringArray("docker:cmd", text)).toThrow(expect.objectContaining({ code }) as Error);
  });

  test("the last of two equal keys wins", () => {
    expect(parseNvlist("k", '{"a":1,"a":-2,"b":null}')).toEqual(
      new Map<string, unknown>([
        ["a", -2],
        ["b", null],
      ]),
    );
  });
});

describe("in a root", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "zl-di-"));
    for (const directory of ["etc", "usr/local/bin", "bin", "var/svc"])
      mkdirSync(join(root, directory), { recursive: true });
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n");
    writeFileSync(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
    writeFileSync(join(root, "bin/sh"), "\x7fELF", { mode: 0o755 });
    writeFileSync(join(root, "usr/local/bin/entrypoint.sh"), "#!/bin/sh\n");
    chmodSync(join(root, "usr/local/bin/entrypoint.sh"), 0o755);
    writeFileSync(join(root, "var/svc/provisioning"), "");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const nics =
    '[{"interface":"eth0","gateway":"192.168.128.1","netmask":"255.255.252.0","ip":"192.168.128.9","ips":["192.168.128.9/22"],"primary":true}]';

  async function boot(metadata: Record<string, unknown>): Promise<{ plan: ProcessPlan | undefined; lines: string[] }> {
    const vm = {
      uuid: "u",
      zonepath: "/zones/u",
      brand: "lx",
      hostname: "3f0c9a6b1d2e",
      nics: JSON.parse(nics) as unknown,
      routes: {},
      internal_metadata_namespaces: ["docker"],
      internal_metadata: metadata,
    };
    const lines: string[] = [];
    const files = new ZoneFiles(root, []);
    const plan = await dockerinit({
      metadata: zoneMetadata(vm),
      files,
      log: (line) => void lines.push(line.replaceAll(String(process.pid), "PID")),
      waitForAttach: () => Promise.resolve(),
    }).catch(() => undefined);
    return { plan, lines };
  }

  const example = {
    "docker:entrypoint": '["/usr/local/bin/entrypoint.sh"]',
    "docker:cmd": '["node","server.js","--port","8080"]',
    "docker:env":
      '["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","NODE_VERSION=18.20.4","NODE_ENV=production","HOME=/srv"]',
    "docker:linkEnv": "[]",
    "docker:user": "node:node",
    "docker:workdir": "/srv/app",
    "docker:logdriver": "json-file",
    "docker:noipmgmtd": true,
  };

  // dockerinit.md 10.5, with one pid for its invented ones
  test("the log of the worked example", async () => {
    const { plan, lines } = await boot(example);
    const fixture = join(import.meta.dirname, "../../fixtures/labhost/dockerinit-10.5.txt");
    expect(lines).toEqual(readFileSync(fixture, "utf8").trimEnd().split("\n"));
    expect(plan).toMatchObject({
      argv: ["/usr/local/bin/entrypoint.sh", "node", "server.js", "--port", "8080"],
      workdir: "/srv/app",
      tty: false,
      openStdin: false,
    });
  });

  test("the tail of the example's failure", async () => {
    const { lines } = await boot({ ...example, "docker:entrypoint": "[]", "docker:cmd": '["nodde"]' });
    expect(lines.slice(-7)).toEqual([
      ...["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(
        (d) => `TRYPATH "${d}/nodde"`,
      ),
      "FATAL (code: 17): 'nodde' not found in PATH",
    ]);
  });

  test.each([
    ["a missing interpreter", "#!/nowhere\n", "FATAL (code: 3): execve(/bin/x) failed: No such file or directory"],
    ["no format", "hello", "FATAL (code: 3): execve(/bin/x) failed: Exec format error"],
  ])("%s", async (_, content, message) => {
    writeFileSync(join(root, "bin/x"), content, { mode: 0o755 });
    const { lines } = await boot({ "docker:cmd": '["/bin/x"]' });
    expect(lines.at(-1)).toBe(message);
  });

  test("an app that its user may not execute", async () => {
    writeFileSync(join(root, "bin/x"), "\x7fELF", { mode: 0o700 });
    const { lines } = await boot({ "docker:cmd": '["/bin/x"]', "docker:user": "node" });
    expect(lines.at(-1)).toBe("FATAL (code: 3): execve(/bin/x) failed: Permission denied");
  });

  // dockerinit.md 10.6
  test("dockerexec resolves after dropping its privileges and knows no HOSTNAME", () => {
    let said = "";
    const vm = {
      uuid: "u",
      zonepath: "/z",
      hostname: "h",
      internal_metadata_namespaces: ["docker"],
      internal_metadata: {},
    };
    const plan = dockerexec(["sh"], {
      metadata: zoneMetadata(vm),
      files: new ZoneFiles(root, []),
      err: (text) => (said += text),
    });
    expect(plan).toMatchObject({ argv: ["sh"], workdir: "/" });
    expect(said).not.toContain("HOSTNAME");
    expect(said).toMatch(/DROP PRIVS\n(?:\S+ TRYPATH "[^"]+"\n)+\S+ EXEC\n$/);
    expect(dockerexec([], { metadata: zoneMetadata(vm), files: new ZoneFiles(root, []), err: () => undefined })).toBe(
      13,
    );
  });

  test("the log is a new file of mode 0600 inside the zone", () => {
    symlinkSync("/etc", join(root, "var/log"));
    const log = openBootLog(new ZoneFiles(root, []));
    log.line("x");
    log.close();
    expect(readFileSync(join(root, "etc/sdc-dockerinit.log"), "utf8")).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z x\n$/,
    );
  });
});

describe("paths in a root", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "zl-in-"));
    mkdirSync(join(root, "zone/dir"), { recursive: true });
    mkdirSync(join(root, "volume/sub"), { recursive: true });
    writeFileSync(join(root, "secret"), "machine");
    writeFileSync(join(root, "zone/file"), "zone");
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const files = (): ZoneFiles =>
    new ZoneFiles(join(root, "zone"), [{ target: "/dir/mnt", source: join(root, "volume") }]);

  test("links and dots stay inside", () => {
    symlinkSync("/secret", join(root, "zone/absolute"));
    symlinkSync("../../../secret", join(root, "zone/dir/relative"));
    symlinkSync("/file", join(root, "zone/dir/ok"));
    expect(files().readText("/absolute")).toBeUndefined();
    expect(files().readText("/dir/relative")).toBeUndefined();
    expect(files().readText("/../../secret")).toBeUndefined();
    expect(files().readText("/dir/ok")).toBe("zone");
  });

  test("mounts are crossed, also by links", () => {
    symlinkSync("/dir/mnt/sub", join(root, "zone/link"));
    const made = files().makeDirectories("/link/new", 0o755);
    expect(made.inZone).toBe("/dir/mnt/sub/new");
    expect(made.onHost).toBe(join(root, "volume/sub/new"));
  });

  test("loops, files as directories and dangling links are errors", () => {
    symlinkSync("loop", join(root, "zone/loop"));
    symlinkSync("/gone/deep", join(root, "zone/dangling"));
    expect(() => files().resolve("/loop")).toThrow("ELOOP");
    expect(() => files().resolve("/file/x")).toThrow("ENOTDIR");
    expect(() => files().resolve("/dangling")).toThrow("ENOENT");
    expect(() => files().makeDirectories("/file", 0o755)).toThrow("EEXIST");
    expect(files().resolve("/none").stats).toBeUndefined();
  });
});
