// The lab's pool: clones, snapshots, mounts, and what happens when a command dies in the middle.
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LabConfig } from "../../agent/labhost/lab.ts";
import { readRecords, writeRecord, type DatasetRecord } from "../../agent/labhost/datasets/records.ts";
import { eventually } from "../support/eventually.ts";
import { PoolLab } from "../support/pool-lab.ts";

const IMAGE = "10000000-0000-0000-0000-000000000001";
const ZONE = "90000000-0000-0000-0000-000000000009";
const OTHER = "90000000-0000-0000-0000-00000000000a";
const zone = `zones/${ZONE}`;
const origin = `zones/${IMAGE}@final`;

let lab: PoolLab;

async function begin(clones: LabConfig["clones"], base?: string): Promise<void> {
  lab = new PoolLab(clones, base);
  const members = [
    { name: "etc/" },
    { name: "etc/motd", content: "from the image" },
    { name: "etc/other", content: "stays" },
    { name: "hard", to: "etc/motd", type: "link" as const },
  ];
  expect(await lab.install({ uuid: IMAGE, members })).toMatchObject({ status: 0, stderr: "" });
}

const at = (...parts: readonly string[]): string => lab.path(ZONE, ...parts);
const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");
const names = async (): Promise<string[]> => (await lab.datasetNames()).filter((name) => name !== "zones");

describe.each(["overlay", "copy"] as const)("clones by %s", (clones) => {
  beforeEach(() => begin(clones));
  afterEach(() => lab.destroy());

  it("keep what is written into them to themselves", async () => {
    await lab.store.clone(origin, zone, { quota: "10g" });
    await lab.store.clone(origin, `zones/${OTHER}`);
    expect(mounts().includes(join(lab.root, zone))).toBe(clones === "overlay");
    writeFileSync(at("etc/motd"), "changed");
    rmSync(at("etc/other"));
    writeFileSync(at("new"), "new");
    mkdirSync(join(lab.root, zone, "config"));
    for (const uuid of [IMAGE, OTHER]) {
      expect(readFileSync(lab.path(uuid, "etc/motd"), "utf8")).toBe("from the image");
      expect(readdirSync(lab.path(uuid)).sort()).toEqual(["etc", "hard"]);
      expect(readdirSync(lab.path(uuid, "etc")).sort()).toEqual(["motd", "other"]);
    }
    expect((await lab.store.get(zone))?.properties).toEqual({ quota: "10g" });
    expect((await lab.zfs("get", "-H", "-o", "value", "quota,mounted,origin", zone)).stdout).toBe(
      `10G\nyes\n${origin}\n`,
    );
  });

  it("go back to a snapshot with everything removed, replaced and added since", async () => {
    await lab.store.clone(origin, zone);
    rmSync(at("etc"), { recursive: true });
    mkdirSync(at("etc"));
    writeFileSync(at("etc/own"), "before");
    await lab.store.snapshot(`${zone}@vmsnap-a`);
    writeFileSync(at("etc/own"), "after");
    writeFileSync(at("later"), "");
    await lab.store.snapshot(`${zone}@vmsnap-b`);
    expect((await lab.zfs("rollback", `${zone}@vmsnap-a`)).stderr).toBe(
      `cannot rollback to '${zone}@vmsnap-a': more recent snapshots or bookmarks exist\n` +
        `use '-r' to force deletion of the following snapshots and bookmarks:\n${zone}@vmsnap-b\n`,
    );
    expect((await lab.zfs("rollback", "-r", `${zone}@vmsnap-a`)).status).toBe(0);
    expect(readFileSync(at("etc/own"), "utf8")).toBe("before");
    expect(readdirSync(at("etc"))).toEqual(["own"]);
    expect(existsSync(at("later"))).toBe(false);
    expect((await names()).filter((name) => name.startsWith(zone))).toEqual([zone, `${zone}@vmsnap-a`]);
    writeFileSync(at("later"), "writable again");
  });

  it("can be cloned themselves", async () => {
    await lab.store.clone(origin, zone);
    writeFileSync(at("etc/motd"), "second");
    await lab.store.snapshot(`${zone}@s`);
    writeFileSync(at("etc/motd"), "third");
    await lab.store.clone(`${zone}@s`, `zones/${OTHER}`);
    expect(readFileSync(lab.path(OTHER, "etc/motd"), "utf8")).toBe("second");
    expect(readFileSync(lab.path(OTHER, "etc/other"), "utf8")).toBe("stays");
    expect((await lab.zfs("destroy", "-r", zone)).stderr).toBe(
      `cannot destroy '${zone}': filesystem has dependent clones\n` +
        `use '-R' to destroy the following datasets:\nzones/${OTHER}\n`,
    );
  });

  it("hold datasets inside of them and go with them", async () => {
    await lab.store.clone(origin, zone);
    await lab.store.create(`${zone}/data`, { zoned: "on" });
    writeFileSync(join(lab.root, zone, "data/file"), "x");
    expect((await lab.zfs("destroy", zone)).stderr).toBe(
      `cannot destroy '${zone}': filesystem has children\nuse '-r' to destroy the following datasets:\n${zone}/data\n`,
    );
    expect(await lab.zfs("destroy", "-r", zone)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(existsSync(join(lab.root, zone))).toBe(false);
    expect(mounts()).not.toContain(ZONE);
    for (const directory of ["trash", "staging", "overlay"])
      expect(existsSync(join(lab.root, "lab", directory)) ? readdirSync(join(lab.root, "lab", directory)) : []).toEqual(
        [],
      );
  });

  it("can be made many at once", async () => {
    const many = Array.from({ length: 8 }, (_, n) => `zones/90000000-0000-0000-0000-0000000000b${n}`);
    await Promise.all(many.map((name) => lab.store.clone(origin, name)));
    expect((await names()).filter((name) => many.includes(name))).toEqual(many);
    const twice = await Promise.allSettled([lab.store.clone(origin, zone), lab.store.clone(origin, zone)]);
    expect(twice.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(readFileSync(at("etc/motd"), "utf8")).toBe("from the image");
  });
});

describe("mounts", () => {
  beforeEach(() => begin("overlay"));
  afterEach(() => lab.destroy());

  it("are made again after a reboot of the machine, with what was written before", async () => {
    await lab.store.clone(origin, zone);
    writeFileSync(at("new"), "kept");
    execFileSync("umount", [join(lab.root, zone)]);
    expect(await lab.store.isMounted(zone)).toBe(false);
    await lab.store.mountAll();
    await lab.store.mountAll();
    expect(readFileSync(at("new"), "utf8")).toBe("kept");
    expect((await lab.zfs("mount", zone)).stderr).toBe(`cannot mount '${zone}': filesystem already mounted\n`);
  });

  it("keep a dataset alive while somebody is in it", async () => {
    await lab.store.clone(origin, zone);
    const child = spawn("sleep", ["60"], { cwd: join(lab.root, zone), stdio: "ignore" });
    await eventually(() => existsSync(`/proc/${String(child.pid)}/cwd`), { what: "sleep runs" });
    const answer = await lab.zfs("destroy", zone);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    expect(answer).toEqual({ status: 1, stdout: "", stderr: `cannot unmount '/${zone}': Device busy\n` });
    expect(readFileSync(at("etc/motd"), "utf8")).toBe("from the image");
    expect((await lab.zfs("destroy", zone)).status).toBe(0);
  });

  it("wait for who is about to leave, as a supervisor that still closes its log", async () => {
    await lab.store.clone(origin, zone);
    const child = spawn("sleep", ["0.3"], { cwd: join(lab.root, zone), stdio: "ignore" });
    await eventually(() => existsSync(`/proc/${String(child.pid)}/cwd`), { what: "sleep runs" });
    expect(await lab.zfs("destroy", zone)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("follow a rename, and clones follow their origin's", async () => {
    await lab.store.clone(origin, zone);
    writeFileSync(at("new"), "kept");
    await lab.zfs("rename", zone, "zones/elsewhere");
    expect(readFileSync(join(lab.root, "zones/elsewhere/root/new"), "utf8")).toBe("kept");
    expect(existsSync(join(lab.root, zone))).toBe(false);
    await lab.zfs("rename", `zones/${IMAGE}`, "zones/base");
    expect((await lab.store.get("zones/elsewhere"))?.origin).toBe("zones/base@final");
    await lab.store.unmount("zones/elsewhere");
    await lab.store.mount("zones/elsewhere");
    expect(readFileSync(join(lab.root, "zones/elsewhere/root/etc/motd"), "utf8")).toBe("from the image");
  });
});

describe("a lab on a file system without overlays on top", () => {
  let base: string;
  afterEach(async () => {
    await lab.destroy();
    execFileSync("umount", [join(base, "m")]);
    rmSync(base, { recursive: true });
  });

  it.each(["tmpfs", "overlay"])("works on %s", async (type) => {
    base = mkdtempSync(join(tmpdir(), "zl-b-"));
    for (const name of ["m", "lower", "upper", "work"]) mkdirSync(join(base, name));
    const options =
      type === "tmpfs" ? "size=16m" : `lowerdir=${base}/lower,upperdir=${base}/upper,workdir=${base}/work`;
    execFileSync("mount", ["-t", type, "-o", options, "lab", join(base, "m")]);
    await begin("overlay", join(base, "m"));
    await lab.store.clone(origin, zone);
    writeFileSync(at("etc/motd"), "changed");
    expect(lab.read(IMAGE, "etc/motd")).toBe("from the image");
    expect((await lab.zfs("destroy", zone)).status).toBe(0);
  });
});

describe("a command that died in the middle", () => {
  beforeEach(() => begin("overlay"));
  afterEach(() => lab.destroy());

  async function record(name: string): Promise<DatasetRecord> {
    const found = (await readRecords(lab.open())).get(name);
    if (!found) throw new Error(`no record of ${name}`);
    return found;
  }

  it("is finished for create, before and after the tree is in place", async () => {
    const made: DatasetRecord = {
      version: 1,
      name: zone,
      guid: "0123456789abcdef",
      creation: 1,
      backing: "directory",
      properties: {},
      snapshots: [],
    };
    const staging = join(lab.root, "lab/staging/1-a");
    mkdirSync(staging, { recursive: true });
    writeFileSync(join(staging, "f"), "");
    await writeRecord(lab.open(), { ...made, pending: { do: "create", staging } });
    expect(await names()).toContain(zone);
    expect(existsSync(join(lab.root, zone, "f"))).toBe(true);
    await writeRecord(lab.open(), { ...made, pending: { do: "create", staging } });
    expect(await names()).toContain(zone);
    rmSync(join(lab.root, zone), { recursive: true });
    await writeRecord(lab.open(), { ...made, pending: { do: "create", staging } });
    expect(await names()).not.toContain(zone);
  });

  it("is finished for destroy", async () => {
    await lab.store.create(zone);
    await writeRecord(lab.open(), { ...(await record(zone)), pending: { do: "destroy" } });
    expect(await names()).not.toContain(zone);
    expect(existsSync(join(lab.root, zone))).toBe(false);
  });

  it("is finished for rename: a partial image never becomes one without its tree", async () => {
    await lab.store.clone(origin, zone);
    for (const moved of [false, true]) {
      const before = moved ? "zones/second" : `zones/${IMAGE}`;
      const after = moved ? "zones/third" : "zones/second";
      await writeRecord(lab.open(), { ...(await record(before)), pending: { do: "rename", to: after } });
      if (moved) renameSync(join(lab.root, before), join(lab.root, after));
      expect(await names()).toEqual([zone, after, `${after}@final`].sort());
      expect(statSync(join(lab.root, after, "root/etc/motd")).isFile()).toBe(true);
      expect((await lab.store.get(zone))?.origin).toBe(`${after}@final`);
    }
  });

  it("leaves no litter after the next boot", async () => {
    const staging = join(lab.root, "lab/staging/4194304-dead");
    const trash = join(lab.root, "lab/trash/left");
    for (const directory of [staging, trash]) mkdirSync(directory, { recursive: true });
    await lab.store.mountAll();
    expect([existsSync(staging), existsSync(trash)]).toEqual([false, false]);
  });
});

describe("zfs and zpool", () => {
  beforeEach(() => begin("overlay"));
  afterEach(() => lab.destroy());

  it.each([
    [["list", "zones/nope"], 1, "cannot open 'zones/nope': dataset does not exist\n"],
    [["destroy", "zones/nope"], 1, "cannot open 'zones/nope': dataset does not exist\n"],
    [["destroy", `zones/${IMAGE}@nope`], 1, "could not find any snapshots to destroy; check snapshot names.\n"],
    [["clone", "zones/nope@final", "zones/x"], 1, "cannot open 'zones/nope@final': dataset does not exist\n"],
    [["create", `zones/${IMAGE}`], 1, `cannot create 'zones/${IMAGE}': dataset already exists\n`],
    [["create", "zones/a/b"], 1, "cannot create 'zones/a/b': parent does not exist\n"],
    [["create", "tank/a"], 1, "cannot create 'tank/a': no such pool 'tank'\n"],
    [
      ["snapshot", `zones/${IMAGE}@final`],
      1,
      `cannot create snapshot 'zones/${IMAGE}@final': dataset already exists\n`,
    ],
    [["set", "quota=lots", "zones"], 1, "cannot set property for 'zones': bad numeric value 'lots'\n"],
    [
      ["unmount", `zones/${IMAGE}`],
      1,
      `cannot unmount '/zones/${IMAGE}': the lab host keeps 'zones/${IMAGE}' as a plain directory\n`,
    ],
  ])("zfs %j fails with %d and zfs's words", async (args, status, stderr) => {
    expect(await lab.zfs(...args)).toEqual({ status, stdout: "", stderr });
  });

  it("lists by type, depth and column", async () => {
    await lab.store.clone(origin, zone);
    const columns = ["-H", "-o", "name,origin"];
    expect((await lab.zfs("list", ...columns, "-t", "snapshot")).stdout).toBe(`${origin}\t-\n`);
    expect((await lab.zfs("list", ...columns, zone)).stdout).toBe(`${zone}\t${origin}\n`);
    expect((await lab.zfs("list", "-H", "-o", "name", "-d", "0", "zones")).stdout).toBe("zones\n");
    expect((await lab.zfs("list", "-H", "-o", "name", "-r", "zones")).stdout).toBe(`zones\nzones/${IMAGE}\n${zone}\n`);
    expect((await lab.zpool("list", "-H", "-o", "name,health")).stdout).toBe("zones\tONLINE\n");
    expect(await lab.zpool("list", "tank")).toMatchObject({ status: 1, stderr: "cannot open 'tank': no such pool\n" });
  });
});
