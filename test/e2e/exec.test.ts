import { spawn } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { eventually } from "../support/eventually.ts";
import { TestLab, ZONELET, outcome } from "../support/lab.ts";
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
    const [nowhere, nobody] = await Promise.all([
      lab.zonelet("exec", "-w", "/nowhere", "su", "true"),
      lab.zonelet("exec", "-u", "1234:5", "su", "true"),
    ]);
    expect(nowhere).toMatchObject({ status: 126 });
    expect(nobody).toMatchObject({ status: 8 });
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
    expect(
      await lab.zonelet(
        "exec",
        "-d",
        "plain",
        "sh",
        "-c",
        "until [ -e /tmp/go ]; do sleep 0.1; done; touch /tmp/later",
      ),
    ).toMatchObject({
      status: 0,
      stdout: "",
    });
    const there = async () => (await lab.zonelet("exec", "plain", "test", "-e", "/tmp/later")).status === 0;
    expect(await there()).toBe(false);
    await lab.zonelet("exec", "plain", "touch", "/tmp/go");
    await eventually(there, { within: 8_000, what: "the detached command has run" });
    expect(await lab.zonelet("exec", "-d", "plain", "nodde")).toMatchObject({ status: 127 });
  });

  test("SIGINT, and kill -9 of the client, leave no process behind", async () => {
    const both = (["SIGINT", "SIGKILL"] as const).map(async (signal) => {
      const child = lab.spawn(ZONELET, ["exec", "plain", "sh", "-c", `echo on; sleep 600.${signal.length}`]);
      await new Promise((resolve) => child.stdout.once("data", resolve));
      const end = outcome(child);
      child.kill(signal);
      expect(await end).toMatchObject(signal === "SIGINT" ? { status: 130 } : { signal });
      await eventually(() => processes(`600.${signal.length}`).length === 0, { what: "nobody is left" });
    });
    await Promise.all(both);
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

  test("-it without a terminal is refused", async () => {
    const exec = await lab.zonelet("exec", "-it", "plain", "sh");
    expect(exec).toMatchObject({ status: 2 });
    expect(exec.stderr).toContain("-t needs a terminal as stdin");
  });
});
