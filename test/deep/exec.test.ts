import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { eventually } from "../support/eventually.ts";
import { TestLab, ZONELET } from "../support/lab.ts";
import { processes } from "../support/processes.ts";
import { PtySession } from "../support/pty.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create({ image: false });
  const both = [
    ["plain", false],
    ["su", true],
  ] as const;
  await Promise.all(
    both.map(async ([name, su]) => {
      const archive = join(lab.work, `${name}.tar`);
      await writeBusyboxImage(archive, `${name}:1`, { su });
      expect(await lab.zonelet("load", "-q", "-i", archive)).toMatchObject({ status: 0 });
      const flags = ["-d", "--name", name, "-e", "OWN=1", "-w", "/srv"];
      expect(await lab.zonelet("run", ...flags, `${name}:1`, "sleep", "1000")).toMatchObject({ status: 0 });
    }),
  );
});
afterAll(() => lab.destroy());

/** With bytes on stdin, which lab.run cannot give. */
async function withInput(input: Buffer, ...args: string[]): Promise<{ status: number | null; stdout: Buffer }> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ZONELET, ...args], {
    env: lab.environment,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on("error", () => undefined).end(input);
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, stdout: Buffer.concat(chunks) };
}

test("stdin goes in and comes out unharmed, and its end is told", async () => {
  const bytes = randomBytes(1_500_000);
  const { status, stdout } = await withInput(bytes, "exec", "-i", "su", "cat");
  expect(status).toBe(0);
  expect(createHash("sha256").update(stdout).digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
});

test("a reader that goes away ends it", async () => {
  const child = lab.spawn(ZONELET, ["exec", "plain", "yes", "reader-gone"]);
  child.stdout.once("data", () => child.stdout.destroy());
  expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(141);
  await eventually(() => processes("reader-gone").length === 0, { what: "yes has ended" });
});

test("kill -9 of the client hangs the terminal up", async () => {
  const session = PtySession.open(lab, "exec", "-it", "plain", "sh", "-c", "echo on; sleep 611");
  await session.shows("on");
  process.kill(session.pty.pid, "SIGKILL");
  await eventually(() => processes("611").length === 0, { within: 10_000, what: "nobody is left" });
});
