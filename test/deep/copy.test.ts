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
