import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { TestLab } from "../support/lab.ts";

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
  for (const [from, to, shown] of [
    ["box:/d", "there", "there/d/e/f"],
    ["box:/d/.", "there", "there/e/f"],
    ["box:/d", "fresh", "fresh/e/f"],
    ["box:/d/.", "other", "other/e/f"],
    ["box:/d/e/f", "file", "file"],
    ["box:d/e/f", "there/", "there/f"],
  ] as const) {
    mkdirSync(at("there"), { recursive: true });
    expect(await lab.zonelet("cp", from, to)).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(at(shown), "utf8")).toBe("one\n");
    for (const name of ["there", "fresh", "other", "file"]) rmSync(at(name), { recursive: true, force: true });
  }
  for (const [from, to] of [
    ["box:/nope", "x"],
    ["box:/d/e/f", "nodir/"],
    ["box:/d", "missing/x"],
  ] as const)
    expect(await lab.zonelet("cp", from, to)).toMatchObject({ status: 5 });
});

test("into the container, tars both ways, and links with -L", async () => {
  mkdirSync(at("src/sub"), { recursive: true });
  writeFileSync(at("src/sub/f"), "two\n");
  expect(await lab.run(["cp", "src", "box:/tmp"], { cwd: lab.work })).toMatchObject({ status: 0 });
  expect(await lab.zonelet("cp", "src/.", "box:/tmp/new")).toMatchObject({ status: 0 });
  expect(await lab.zonelet("cp", "src/sub/f", "box:/tmp/name")).toMatchObject({ status: 0 });
  expect(await sh("cat /tmp/src/sub/f /tmp/new/sub/f /tmp/name; stat -c %u /tmp/name")).toBe("two\ntwo\ntwo\n0\n");
  expect(await lab.zonelet("cp", "src", "box:/tmp/name")).toMatchObject({ status: 5 });
  expect(await lab.zonelet("cp", "src", "box:/nowhere/x")).toMatchObject({ status: 5 });
  const tar = (await lab.zonelet("cp", "box:/d", "-")).stdout;
  expect(tar).toContain("./d/e/f");
  await lab.zonelet("cp", "-L", "box:/d/l", "passwd");
  expect(readFileSync(at("passwd"), "utf8")).toContain("root:x:0");
});

test("a tenant who swaps links while we copy reads and writes inside the zone only", async () => {
  const bait = at("bait");
  mkdirSync(bait);
  writeFileSync(join(bait, "secret"), "of the machine");
  await sh("mkdir -p /race/dir /race/real; echo tenant >/race/dir/secret");
  const swap = `while :; do mv /race/dir /race/was; ln -s ${bait} /race/dir; rm /race/dir; mv /race/was /race/dir; done`;
  await lab.zonelet("exec", "-d", "box", "sh", "-c", swap);
  writeFileSync(at("in"), "from the machine");
  for (let i = 0; i < 3; i++) {
    await lab.zonelet("cp", "in", "box:/race/dir/secret");
    rmSync(at("out"), { recursive: true, force: true });
    mkdirSync(at("out"));
    await lab.zonelet("cp", "-L", "box:/race/dir", "out");
    const text = execFileSync("sh", ["-c", 'cat "$1"/*/* 2>/dev/null || true', "cat", at("out")]).toString();
    expect(text).not.toContain("of the machine");
  }
  expect(readdirSync(bait)).toEqual(["secret"]);
  expect(readFileSync(join(bait, "secret"), "utf8")).toBe("of the machine");
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
  expect(await lab.zonelet("update", "-m", "200m", "nobody")).toMatchObject({ status: 3 });
  expect(await lab.zonelet("update", "box")).toMatchObject({ status: 2 });
});
