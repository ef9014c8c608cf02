import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { TestLab } from "../support/lab.ts";
import { piped } from "../support/piped.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create({ image: false });
  const archive = join(lab.work, "image.tar");
  await writeBusyboxImage(archive, "bb:1", { su: true });
  expect(await lab.zonelet("load", "-q", "-i", archive)).toMatchObject({ status: 0 });
  expect(await lab.zonelet("run", "-d", "--name", "box", "bb:1", "sleep", "1000")).toMatchObject({ status: 0 });
});
afterAll(() => lab.destroy());

const sh = async (script: string): Promise<string> => (await lab.zonelet("exec", "box", "sh", "-c", script)).stdout;
const at = (...parts: string[]): string => join(lab.work, ...parts);

test("follows Docker's rules for trailing slashes and /.", async () => {
  await sh("mkdir -p /d/e; echo one >/d/e/f; ln -s /etc/passwd /d/l; ln /d/e/f /d/h");
  const rules = [
    ["box:/d", "there", "there/d/e/f"],
    ["box:/d/.", "there", "there/e/f"],
    ["box:/d", "fresh", "fresh/e/f"],
    ["box:/d/.", "other", "other/e/f"],
    ["box:/d/e/f", "file", "file"],
    ["box:d/e/f", "there/", "there/f"],
  ] as const;
  const copied = rules.map(async ([from, to, shown], index) => {
    const cwd = at(String(index));
    mkdirSync(join(cwd, "there"), { recursive: true });
    expect(await lab.run(["cp", from, to], { cwd })).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(cwd, shown), "utf8")).toBe("one\n");
  });
  const refused = (["/nope x", "/d/e/f nodir/", "/d missing/x"] as const).map(async (words) => {
    const [from = "", to = ""] = words.split(" ");
    expect(await lab.zonelet("cp", `box:${from}`, to)).toMatchObject({ status: 5 });
  });
  await Promise.all([...copied, ...refused]);
});

test("into the container, tars both ways, and links with -L", async () => {
  mkdirSync(at("src/sub"), { recursive: true });
  writeFileSync(at("src/sub/f"), "two\n");
  const copies = [
    ["src", "box:/tmp"],
    ["src/.", "box:/tmp/new"],
    ["src/sub/f", "box:/tmp/name"],
  ].map((words) => lab.zonelet("cp", ...words));
  expect((await Promise.all(copies)).map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(await sh("cat /tmp/src/sub/f /tmp/new/sub/f /tmp/name; stat -c %u /tmp/name")).toBe("two\ntwo\ntwo\n0\n");
  const [file, nowhere, tar] = await Promise.all([
    lab.zonelet("cp", "src", "box:/tmp/name"),
    lab.zonelet("cp", "src", "box:/nowhere/x"),
    lab.zonelet("cp", "box:/d", "-"),
    lab.zonelet("cp", "-L", "box:/d/l", "passwd"),
  ]);
  expect([file.status, nowhere.status]).toEqual([5, 5]);
  expect(tar.stdout).toContain("./d/e/f");
  expect(readFileSync(at("passwd"), "utf8")).toContain("root:x:0");
});

test("top shows the processes; pause says that it cannot be", async () => {
  expect((await lab.zonelet("top", "box")).stdout).toMatch(/ 1 .*sleep 1000\n/);
  expect((await lab.zonelet("pause", "box")).stderr).toContain("cannot freeze");
});

test("update changes caps and policy of a running container at once", async () => {
  const update = await lab.zonelet("update", "-m", "200m", "--cpus", "0.5", "--restart", "unless-stopped", "box");
  expect(update).toMatchObject({ status: 0, stdout: "box\n" });
  const [box] = JSON.parse((await lab.platform("vmadm", "lookup", "-j", "alias=box")).stdout) as Record<
    string,
    unknown
  >[];
  expect(box).toMatchObject({
    max_physical_memory: 200,
    cpu_cap: 50,
    autoboot: true,
    internal_metadata: { "docker:restartpolicy": "always" },
  });
  const from = lab.callCount;
  expect(await lab.zonelet("update", "-m", "200m", "--cpus", "0.5", "box")).toMatchObject({ status: 0 });
  expect(
    lab.calls(from).some(({ args }) => args[0] === "update"),
    "a repeat changes nothing",
  ).toBe(false);
  expect(await lab.zonelet("update", "-m", "200m", "nobody")).toMatchObject({ status: 3 });
  expect(await lab.zonelet("update", "box")).toMatchObject({ status: 2 });
});

test("stats: what a busy container uses, beside its caps; one that does not run has nothing", async () => {
  const busy = piped(lab, "exec", "box", "sh", "-c", "while :; do :; done");
  await lab.zonelet("create", "--name", "idle", "bb:1", "true");
  const [one, all, wrong] = await Promise.all([
    lab.zonelet("stats", "--no-stream", "-o", "json", "box"),
    lab.zonelet("stats", "--no-stream", "-a"),
    lab.zonelet("stats", "--no-stream", "nobody"),
  ]);
  busy.child.kill("SIGINT");
  expect(await busy.status).toBe(130);
  const box = JSON.parse(one.stdout) as Record<string, number>;
  expect(box).toMatchObject({ name: "box", running: true, memoryCap: 200 * 1024 * 1024 });
  expect(box["cpuPercent"]).toBeGreaterThan(1);
  expect(box["memory"]).toBeGreaterThan(4096);
  expect(box["lwps"]).toBeGreaterThanOrEqual(2);
  expect(all.stdout).toMatch(/^NAME .*\n(.*\n)*idle +- +- /);
  expect(wrong).toMatchObject({ status: 3, stdout: "" });
});

test("export writes the root, of a container that runs and of one that does not", async () => {
  expect((await lab.zonelet("create", "--name", "still", "bb:1", "sleep", "1000")).status).toBe(0);
  for (const name of ["box", "still"]) {
    expect(await lab.zonelet("export", "-o", `${name}.tar`, name)).toMatchObject({ status: 0 });
    const names = execFileSync("tar", ["tf", at(`${name}.tar`)], { encoding: "utf8" });
    expect(names).toMatch(/^(\.\/)?etc\/passwd$/m);
    expect(statSync(at(`${name}.tar`)).mode & 0o777).toBe(0o600);
  }
  const again = await lab.zonelet("export", "-o", "box.tar", "box");
  expect(again.status).toBe(2);
  expect(again.stderr).toContain("is there already");
  expect((await lab.zonelet("rm", "still")).status).toBe(0);
});

test("a container that does not run: both ways, and nothing outside of its root is read or written", async () => {
  const made = await lab.zonelet("create", "--name", "quiet", "bb:1", "sleep", "1000");
  expect(made.status, made.stderr).toBe(0);
  const [{ uuid = "" } = {}] = JSON.parse((await lab.zonelet("inspect", "quiet")).stdout) as { uuid?: string }[];
  const root = join(lab.root, "zones", uuid, "root");
  writeFileSync(at("secret"), "of this machine\n");
  // As a tenant might have left it: links that would lead out, were they followed from here.
  symlinkSync(at("secret"), join(root, "tmp/out"));
  symlinkSync(lab.work, join(root, "tmp/away"));
  symlinkSync("/etc", join(root, "tmp/etc"));
  writeFileSync(at("own"), "three\n");
  const steps: (readonly [string, string, number])[] = [
    ["own", "quiet:/tmp/kept", 0],
    ["quiet:/tmp/kept", "back", 0],
    ["quiet:/tmp/etc/passwd", "passwd2", 0],
    ["own", "quiet:/tmp/away/planted", 5],
    ["quiet:/tmp/away/own", "stolen", 5],
    ["quiet:/nowhere", "x", 5],
  ];
  for (const [from, to, status] of steps) {
    const done = await lab.zonelet("cp", from, to);
    expect(done.status, `${from} ${to}: ${done.stderr}`).toBe(status);
  }
  expect(readFileSync(at("back"), "utf8")).toBe("three\n");
  expect(readFileSync(at("passwd2"), "utf8")).toContain("root:x:0");
  expect(existsSync(at("planted"))).toBe(false);
  const link = await lab.zonelet("cp", "quiet:/tmp/out", "link");
  expect(link.status, link.stderr).toBe(0);
  expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
  expect((await lab.zonelet("cp", "-L", "quiet:/tmp/out", "followed")).status).toBe(5);
  expect((await lab.zonelet("rm", "quiet")).status).toBe(0);
});
