import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { eventually } from "../support/eventually.ts";
import { TestLab, ZONELET, outcome } from "../support/lab.ts";
import { PtySession } from "../support/pty.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create({ image: false });
  for (const [reference, su] of [
    ["plain:1", false],
    ["su:1", true],
  ] as const) {
    const archive = join(lab.work, "image.tar");
    await writeBusyboxImage(archive, reference, { su });
    expect(await lab.zonelet("load", "-q", "-i", archive)).toMatchObject({ status: 0 });
    const name = reference.split(":")[0] ?? "";
    const run = await lab.zonelet("run", "-d", "--name", name, "-e", "OWN=1", "-w", "/srv", reference, "sleep", "1000");
    expect(run).toMatchObject({ status: 0 });
  }
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

/** Processes of the machine whose command line holds `text`. */
function processes(text: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(text) && Number(pid) !== process.pid ? [line] : [];
      } catch {
        return [];
      }
    });
}

describe("exec", () => {
  test("passes streams and exit codes on, with the container's own variables and directory", async () => {
    const exec = await lab.zonelet("exec", "plain", "sh", "-c", "echo $OWN; pwd; echo err >&2; exit 7");
    expect(exec).toEqual({ status: 7, signal: null, stdout: "1\n/srv\n", stderr: "err\n" });
  });

  test.each(["plain", "su"])("any arguments arrive byte for byte (%s)", async (name) => {
    const unit = fc.constantFrom(...Array.from("'\" \t\n\\$`;|&()<>*?[]{}~#!-=aé中"));
    const words = fc.sample(fc.string({ unit, maxLength: 12 }), 60).concat("", "'", "a 'b'", "-n", "--", "x=y");
    const exec = await lab.zonelet("exec", name, "printf", "%s\\0", ...words);
    expect(exec.stdout.split("\0").slice(0, -1)).toEqual(words);
  });

  test("stdin goes in and comes out unharmed, and its end is told", async () => {
    const bytes = randomBytes(1_500_000);
    const { status, stdout } = await withInput(bytes, "exec", "-i", "su", "cat");
    expect(status).toBe(0);
    expect(createHash("sha256").update(stdout).digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  test("without -i there is no stdin", async () => {
    expect(await withInput(Buffer.from("no"), "exec", "plain", "cat")).toMatchObject({
      status: 0,
      stdout: Buffer.of(),
    });
  });

  test("-u, -w, -e and --env-file", async () => {
    const script = "id -un; pwd; echo $A-$B; echo $HOME; echo $OWN";
    const flags = ["-u", "node", "-w", "/tmp", "-e", "A=it's", "-e", "B"];
    const exec = await lab.run(["exec", ...flags, "su", "sh", "-c", script], { env: { B: "b $c" } });
    expect(exec).toMatchObject({ status: 0, stdout: "node\n/tmp\nit's-b $c\n/home/node\n1\n", stderr: "" });
    expect(await lab.zonelet("exec", "-w", "/nowhere", "su", "true")).toMatchObject({ status: 126 });
    expect(await lab.zonelet("exec", "-u", "1234:5", "su", "true")).toMatchObject({ status: 8 });
  });

  test("a command that is not there gives 127 and the reason, one that cannot be executed 126", async () => {
    const missing = await lab.zonelet("exec", "su", "nodde");
    expect(missing.status).toBe(127);
    expect(missing.stderr).toBe("zonelet: exec in su: the command was not found in PATH: 'nodde' not found in PATH\n");
    expect(await lab.zonelet("exec", "plain", "/etc/passwd")).toMatchObject({ status: 126 });
  });

  test("needs a running container, and names one that is not there", async () => {
    await lab.zonelet("create", "--name", "idle", "plain:1", "true");
    const idle = await lab.zonelet("exec", "idle", "true");
    expect(idle.stderr).toContain('container "idle" is not running\n  start it: zonelet start idle');
    expect(await lab.zonelet("exec", "plian", "true")).toMatchObject({ status: 3 });
  });

  test("-d returns while the command goes on", async () => {
    expect(await lab.zonelet("exec", "-d", "plain", "sh", "-c", "sleep 2; touch /tmp/later")).toMatchObject({
      status: 0,
      stdout: "",
    });
    const there = async () => (await lab.zonelet("exec", "plain", "test", "-e", "/tmp/later")).status === 0;
    expect(await there()).toBe(false);
    await eventually(there, { within: 8_000, what: "the detached command has run" });
    expect(await lab.zonelet("exec", "-d", "plain", "nodde")).toMatchObject({ status: 127 });
  });

  test("a reader that goes away ends it", async () => {
    const child = lab.spawn(ZONELET, ["exec", "plain", "yes", "reader-gone"]);
    child.stdout.once("data", () => child.stdout.destroy());
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(141);
    await eventually(() => processes("reader-gone").length === 0, { what: "yes has ended" });
  });

  test("SIGINT, and kill -9 of the client, leave no process behind", async () => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const child = lab.spawn(ZONELET, ["exec", "plain", "sh", "-c", `echo on; sleep 600.${signal.length}`]);
      await new Promise((resolve) => child.stdout.once("data", resolve));
      const end = outcome(child);
      child.kill(signal);
      expect(await end).toMatchObject(signal === "SIGINT" ? { status: 130 } : { signal });
      await eventually(() => processes(`600.${signal.length}`).length === 0, { what: "nobody is left" });
    }
  });
});

describe("exec -it", () => {
  test("gives a terminal with its size, job control and status", async () => {
    const session = PtySession.open(lab, "exec", "-it", "plain", "sh");
    await session.shows("# ");
    session.type("stty size\r");
    await session.shows(/\n24 80\r\n/);
    session.pty.resize(101, 33);
    // The new size travels beside the keys.
    session.type("until [ \"$(stty size)\" = '33 101' ]; do sleep 0.05; done; echo siz''ed\r");
    await session.shows("sized\r\n");
    session.type("echo be''gun; sleep 600\r");
    await session.shows("\nbegun");
    session.type("\u0003");
    await session.shows("# ");
    session.type("echo status $?; exit 3\r");
    await session.shows("status 130");
    expect(await session.ended()).toBe(3);
  });

  test("nothing of dockerexec's log reaches the terminal", async () => {
    const session = PtySession.open(lab, "exec", "-it", "plain", "echo", "only this");
    expect(await session.ended()).toBe(0);
    expect(session.output).toBe("only this\r\n");
  });

  test("kill -9 of the client hangs the terminal up", async () => {
    const session = PtySession.open(lab, "exec", "-it", "plain", "sh", "-c", "echo on; sleep 611");
    await session.shows("on");
    process.kill(session.pty.pid, "SIGKILL");
    await eventually(() => processes("611").length === 0, { within: 10_000, what: "nobody is left" });
  });

  test("-it without a terminal is refused", async () => {
    const exec = await lab.zonelet("exec", "-it", "plain", "sh");
    expect(exec).toMatchObject({ status: 2 });
    expect(exec.stderr).toContain("-t needs a terminal as stdin");
  });
});
