import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig, type LoadOptions } from "../../agent/config/load.ts";
import type { Config } from "../../agent/config/schema.ts";
import { AgentError } from "../../agent/errors/agent-error.ts";

const PACKAGE = "f00dbabe-1111-4222-8333-444455556666";

let root: string;
let file: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "zl-"));
  file = join(root, "zonelet.yaml");
  await mkdir(join(root, "bin"));
  await writeFile(join(root, "bin/vmadm"), "");
  await chmod(join(root, "bin/vmadm"), 0o755);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function load(text: string, env: LoadOptions["env"] = {}): Promise<Config> {
  await writeFile(file, text);
  return loadConfig({ file, env: { LABHOST_ROOT: root, ...env }, platform: "linux" });
}

async function complaint(text: string): Promise<AgentError> {
  try {
    await load(text);
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("what it says of a bad file", () => {
  it.each([
    ["version: 1\nlgo: {}\n", '2:1 lgo: unknown key "lgo" (did you mean "log"?)'],
    ["version: 1\nlog:\n  levle: info\n", '3:3 log.levle: unknown key "levle" (did you mean "level"?)'],
    ["version: 1\ndefaults: { memroy: 1g }\n", '2:13 defaults.memroy: unknown key "memroy" (did you mean "memory"?)'],
    [
      "version: 1\nnetworks:\n  lan: { nicTag: a, gatewy: 10.0.0.1 }\n",
      '3:21 networks.lan.gatewy: unknown key "gatewy" (did you mean "gateway"?)',
    ],
    [
      `version: 1\npackages: [{ uuid: ${PACKAGE}, name: aa, max_physical_memory: 64, max_swap: 256, quota: 0, fsss: 1 }]\n`,
      '2:118 packages.0.fsss: unknown key "fsss" (did you mean "fss"?)',
    ],
    [
      "version: 1\nregistries:\n  hosts:\n    r.example: { mirors: [] }\n",
      '4:18 registries.hosts.r.example.mirors: unknown key "mirors" (did you mean "mirrors"?)',
    ],
    ["version: 1\nxyzzy: 1\n", '2:1 xyzzy: unknown key "xyzzy"'],
  ])("%j", async (text, told) => {
    expect(await complaint(text)).toMatchObject({ code: "CONFIG_INVALID", message: `${file}:${told}` });
  });

  it("names line and column of a value of the wrong type", async () => {
    const { message } = await complaint("version: 1\ndefaults:\n  quotaGiB: many\n");
    expect(message).toMatch(new RegExp(`^${file}:3:13 defaults\\.quotaGiB: .*expected number`));
  });

  it("refuses two packages of one uuid", async () => {
    const one = `{ uuid: ${PACKAGE}, name: aa, max_physical_memory: 64, max_swap: 256, quota: 0 }`;
    const { message } = await complaint(`version: 1\npackages:\n  - ${one}\n  - ${one}\n`);
    expect(message).toBe(`${file}:4:13 packages.1.uuid: a second package of this uuid`);
  });

  it("tells all complaints at once", async () => {
    const { message } = await complaint("version: 2\nlog: { level: loud }\nmounts: { allowedRoots: [data] }\n");
    expect(message.split("\n").map((line) => line.slice(file.length + 1).split(": ")[0])).toEqual([
      "1:10 version",
      "2:15 log.level",
      "3:26 mounts.allowedRoots.0",
    ]);
  });

  it("names the place of broken YAML and of a repeated key", async () => {
    expect((await complaint("version: 1\nlog: [\n")).message).toMatch(new RegExp(`^${file}:[23]:\\d+ `));
    expect((await complaint("version: 1\nversion: 1\n")).message).toMatch(
      new RegExp(`^${file}:2:1 Map keys must be unique`),
    );
  });

  it("refuses a file that is no map", async () => {
    expect((await complaint("- version\n")).code).toBe("CONFIG_INVALID");
    expect((await complaint("")).code).toBe("CONFIG_INVALID");
  });
});

describe("where it looks", () => {
  it("wants a file that was named", () => {
    const nowhere = join(root, "nowhere.yaml");
    for (const options of [{ file: nowhere }, { env: { ZONELET_CONFIG: nowhere, LABHOST_ROOT: root } }])
      expect(() => loadConfig({ platform: "linux", env: { LABHOST_ROOT: root }, ...options })).toThrow(
        `configuration file ${nowhere} does not exist`,
      );
  });

  it("takes defaults where there is no file, and the lab's own file where there is one", async () => {
    const options = { platform: "linux", env: { LABHOST_ROOT: root } } as const;
    expect(loadConfig(options)).toMatchObject({ file: undefined, host: { root, lab: true } });
    const own = join(root, "opt/custom/etc/zonelet.yaml");
    await mkdir(dirname(own), { recursive: true });
    await writeFile(own, "version: 1\nlog: { level: debug }\n");
    expect(loadConfig(options)).toMatchObject({ file: own, log: { level: "debug" } });
  });

  it("tells what to do where there is neither SmartOS nor a lab host", () => {
    const elsewhere = join(root, "elsewhere");
    let error: unknown;
    try {
      loadConfig({ platform: "linux", env: { LABHOST_ROOT: elsewhere } });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "HOST_UNSUPPORTED" });
    expect(error instanceof AgentError && error.hint).toContain(`zonelet-lab init`);
    expect(error instanceof AgentError && error.hint).toContain(elsewhere);
  });

  it("on SmartOS the host is the machine itself", () => {
    const config = loadConfig({ platform: "sunos", env: { LABHOST_ROOT: root } });
    expect(config.host).toMatchObject({ root: "/", binDirs: [], lab: false });
    expect(config.commandEnv).not.toHaveProperty("LABHOST_ROOT");
  });
});

describe("what it makes of the environment", () => {
  it("lets host commands inherit only what they need", async () => {
    const config = await load("version: 1\n", {
      SECRET: "x",
      https_proxy: "http://proxy",
      REQ_ID: "r",
      LABHOST_FAILPOINTS: "a=b",
      NO_COLOR: "1",
    });
    expect(config.commandEnv).toEqual({
      PATH: `${join(root, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`,
      LC_ALL: "C",
      REQ_ID: "r",
      LABHOST_FAILPOINTS: "a=b",
      LABHOST_ROOT: root,
    });
    expect(config).toMatchObject({ noColor: true, proxies: { https: "http://proxy" } });
  });

  it("is frozen through and through", async () => {
    const config = await load("version: 1\nnetworks: { lan: { nicTag: a, resolvers: [10.0.0.1] } }\n");
    expect([config, config.host, config.networks["lan"]?.resolvers].every(Object.isFrozen)).toBe(true);
  });
});

describe("registries", () => {
  it("take proxies and docker's logins from the environment, unless the file says otherwise", async () => {
    await mkdir(join(root, "docker"));
    await writeFile(join(root, "docker/config.json"), "{}");
    const env = { HTTPS_PROXY: "http://p:1", NO_PROXY: "a", DOCKER_CONFIG: join(root, "docker"), HOME: root };
    expect(await load("version: 1\n", env)).toMatchObject({
      proxies: { https: "http://p:1", none: "a" },
      registries: { dockerConfig: join(root, "docker/config.json") },
    });
    const text = "version: 1\nregistries: { proxy: { https: 'http://q:2' }, dockerConfig: /etc/docker.json }\n";
    expect(await load(text, env)).toMatchObject({
      proxies: { https: "http://q:2", none: "a" },
      registries: { dockerConfig: "/etc/docker.json" },
    });
    expect((await load("version: 1\n", { HOME: root })).registries.dockerConfig).toBeUndefined();
  });

  it.each([
    ["registries: { insecure: ['http://x'] }", "must be host[:port]"],
    ["registries: { hosts: { r.example: { cert: /a.pem } } }", "`cert` and `key` go together"],
    ["registries: { proxy: { https: 'socks://x' } }", "must be an http or https URL"],
  ])("%s: %s", async (text, told) => {
    expect((await complaint(`version: 1\n${text}\n`)).message).toContain(told);
  });
});
