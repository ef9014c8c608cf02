// `zonelet-lab` itself, and the small commands around the zones.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { haltZone, zoneRuntime } from "../../agent/labhost/runtime.ts";
import { isAlive } from "../support/eventually.ts";
import { MAIN, RuntimeLab } from "../support/runtime-lab.ts";

let host: RuntimeLab;
beforeAll(() => {
  host = new RuntimeLab();
});
afterAll(() => host.destroy());

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function lab(args: readonly string[], env: Readonly<Record<string, string>> = {}): Answer {
  return spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
    encoding: "utf8",
    env: { ...process.env, LABHOST_ROOT: host.lab.root, ...env },
  });
}

function platform(command: string, ...args: string[]): Answer {
  return spawnSync(join(host.lab.root, "bin", command), args, { encoding: "utf8" });
}

test("init may be repeated and adds what is new", () => {
  const before = readFileSync(host.lab.own("lab.json"), "utf8");
  expect(lab(["init"]).status).toBe(0);
  expect(readFileSync(host.lab.own("lab.json"), "utf8")).toBe(before);
  expect(lab(["init", "--nic-tag", "dmz"]).stdout).toContain("nic tags: admin, external, dmz");
  expect(lab(["init", "--nic-tag", "no good"])).toMatchObject({ status: 1 });
});

test("a place without a lab is told apart from a broken one", () => {
  const nowhere = { LABHOST_ROOT: join(host.work, "nowhere") };
  expect(lab(["status"], nowhere).stderr).toBe(
    `zonelet-lab: no lab host in ${nowhere.LABHOST_ROOT}: run "zonelet-lab init"\n`,
  );
  expect(lab(["frobnicate"]).status).toBe(2);
  const misspelt = spawnSync(join(host.lab.root, "bin/vmadm"), ["list"], {
    encoding: "utf8",
    env: { LABHOST_FAILPOINTS: "vmadm.lsit.begin=error" },
  });
  expect(misspelt).toMatchObject({
    status: 1,
    stderr: 'zonelet-lab: LABHOST_FAILPOINTS: no place "vmadm.lsit.begin"; did you mean "vmadm.list.begin"?\n',
  });
});

test("a root that is a mount point with an awkward name gets overlays, and stays as an empty directory", () => {
  const root = join(host.work, "a lab, with: blanks");
  mkdirSync(root);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", root]);
  try {
    expect(lab(["init"], { LABHOST_ROOT: root }).stdout).toContain("their roots are overlay mounts");
    expect(lab(["destroy", "--yes"], { LABHOST_ROOT: root })).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(root)).toEqual([]);
  } finally {
    execFileSync("umount", [root]);
  }
});

test("nic tags", () => {
  expect(platform("nictagadm", "add", "storage").status).toBe(0);
  expect(platform("nictagadm", "add", "storage").status).toBe(1);
  expect(platform("nictagadm", "exists", "storage").status).toBe(0);
  expect(platform("nictagadm", "exists", "-l", "storage", "x", "y")).toMatchObject({ status: 1, stderr: "x\ny\n" });
  expect(platform("nictagadm", "list", "-p", "-d", "|").stdout).toContain("storage|-|-|normal\n");
  expect(platform("nictagadm", "delete", "storage").status).toBe(0);
});

test("sysinfo and zonename describe the node", () => {
  expect(JSON.parse(platform("sysinfo").stdout)).toMatchObject({ UUID: host.lab.config.serverUuid, Zpool: "zones" });
  expect(existsSync(host.lab.path("/tmp/.sysinfo.json"))).toBe(true);
  expect(platform("zonename").stdout).toBe("global\n");
});

test("boot starts what has autoboot; zoneadm and status show it; destroy would end it", async () => {
  const auto = await host.addZone({ cmd: ["sleep", "600"], properties: { autoboot: true } });
  const manual = await host.addZone({ cmd: ["sleep", "600"] });
  expect(lab(["boot"])).toMatchObject({ status: 0, stdout: `booted ${auto}\n` });
  const { pid, zoneid } = zoneRuntime(host.lab, auto);
  expect(isAlive(pid ?? 0)).toBe(true);
  expect(platform("zoneadm", "list", "-p").stdout).toBe(
    `0:global:running:/::liveimg:shared:0\n${zoneid}:${auto}:running:/zones/${auto}:${auto}:lx:excl:1\n`,
  );
  expect(platform("zoneadm", "-z", manual, "list", "-p").stdout).toBe(
    `-:${manual}:installed:/zones/${manual}:${manual}:lx:excl:2\n`,
  );
  const status = lab(["status"]).stdout;
  expect(status).toContain(`${auto}  running, zone id ${zoneid}, init ${pid}`);
  expect(status).toContain("stored, not enforced: quota,");
  expect(platform("zoneadm", "-z", auto, "halt").status).toBe(0);
  expect(platform("zoneadm", "-z", auto, "halt")).toMatchObject({
    status: 1,
    stderr: `zoneadm: zone '${auto}': zone is already halted\n`,
  });
  expect(platform("zlogin", auto, "true").stderr).toBe(
    `zlogin: login allowed only to running zones (${auto} is 'installed').\n`,
  );
});

test.each([
  ["begin", "zoneadm.boot.begin"],
  ["mounts", "zoneadm.boot.mounts"],
  ["network", "zoneadm.boot.network"],
  ["exec", "zoneadm.boot.exec"],
])("a boot that fails at %s leaves nothing", async (_, point) => {
  const uuid = await host.addZone({ cmd: ["sleep", "600"], address: "10.99.1.1" });
  const failed = spawnSync(join(host.lab.root, "bin/zoneadm"), ["-z", uuid, "boot"], {
    encoding: "utf8",
    env: { LABHOST_FAILPOINTS: `${point}=error(no luck)` },
  });
  expect(failed).toMatchObject({ status: 1, stderr: "zoneadm: no luck\n" });
  expect(host.read(uuid, "logs/platform.log")).toContain('"msg":"no luck\\n", "stream":"zoneadmd" }');
  expect(zoneRuntime(host.lab, uuid).zoneState).toBe("installed");
  expect(existsSync(host.lab.own("runtime/zones", `${uuid}.json`))).toBe(false);
  expect(existsSync(host.lab.own("runtime/zones", `${uuid}.d`))).toBe(false);
  expect(platform("zoneadm", "-z", uuid, "boot").status).toBe(0);
  expect(await haltZone(host.lab, uuid)).toBe(true);
});
