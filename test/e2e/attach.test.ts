import { spawn } from "node:child_process";
import { randomBytes, createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { eventually } from "../support/eventually.ts";
import { outcome, TestLab, ZONELET } from "../support/lab.ts";
import { PtySession } from "../support/pty.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create({ image: false });
  const archive = join(lab.work, "image.tar");
  await writeBusyboxImage(archive, "bb:1");
  expect(await lab.zonelet("load", "-q", "-i", archive)).toMatchObject({ status: 0 });
});
afterAll(() => lab.destroy());

/** With a stdin that the test writes to. */
function piped(...args: string[]) {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ZONELET, ...args], {
    env: lab.environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const status = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    child,
    status,
    said: () => stdout,
    complained: () => stderr,
    shows: (text: string) => eventually(() => stdout.includes(text), { within: 15_000, what: `"${text}": ${stdout}` }),
  };
}

/** zlogin processes of this lab that are still there. */
async function zlogins(): Promise<string> {
  const ps = spawn("ps", ["-eo", "args"], { stdio: ["ignore", "pipe", "pipe"] });
  const { stdout } = await outcome(ps);
  return stdout
    .split("\n")
    .filter((line) => line.includes("--as zlogin") && line.includes("-I"))
    .join("\n");
}

describe("run with input", () => {
  test("-i hands a pipe on, byte for byte, and its end", async () => {
    const bytes = randomBytes(300_000);
    const run = piped("run", "-i", "--rm", "bb:1", "sha256sum");
    run.child.stdin.end(bytes);
    expect(await run.status).toBe(0);
    expect(run.said()).toBe(`${createHash("sha256").update(bytes).digest("hex")}  -\n`);
    const tilde = piped("run", "-i", "--rm", "bb:1", "cat");
    tilde.child.stdin.end("~.\n~~x\n");
    expect(await tilde.status).toBe(0);
    expect(tilde.said()).toBe("~.\n~~x\n");
  });

  test("-it is a terminal: size, keys, status", async () => {
    const session = PtySession.open(lab, "run", "-it", "--rm", "bb:1", "sh");
    await session.shows("# ");
    session.type("stty size; echo h''i\r");
    await session.shows(/24 80\r\nhi\r\n/);
    session.pty.resize(99, 30);
    // The new size travels beside the keys.
    session.type("until [ \"$(stty size)\" = '30 99' ]; do sleep 0.05; done; echo siz''ed\r");
    await session.shows("sized\r\n");
    session.type("echo be''gun; sleep 600\r");
    await session.shows("\nbegun");
    session.type("\u0003");
    await session.shows("# ");
    session.type("exit 3\r");
    expect(await session.ended()).toBe(3);
  });

  test("-it needs a terminal", async () => {
    expect(await lab.zonelet("run", "-it", "--rm", "bb:1", "sh")).toMatchObject({ status: 2 });
    expect(lab.zoneUuids()).toEqual([]);
  });
});

describe("attach", () => {
  test("detach keys leave it running; attach, type, and its status comes back; start -ai again", async () => {
    const run = PtySession.open(lab, "run", "-it", "--name", "box", "bb:1", "sh");
    await run.shows("# ");
    run.type("\u0010x\u007f");
    run.type("\u0010");
    run.type("\u0011");
    expect(await run.ended()).toBe(0);
    expect((await lab.zonelet("ps", "-q")).stdout).not.toBe("");

    const attach = PtySession.open(lab, "attach", "--detach-keys", "ctrl-a,d", "box");
    attach.type("echo ag''ain\r");
    await attach.shows("again");
    attach.type("\u0001d");
    expect(await attach.ended()).toBe(0);

    const last = PtySession.open(lab, "attach", "box");
    last.type("exit 4\r");
    expect(await last.ended()).toBe(4);
    const again = PtySession.open(lab, "start", "-ai", "box");
    await again.shows("# ");
    again.type("exit 6\r");
    expect(await again.ended()).toBe(6);
    expect(await lab.zonelet("attach", "box")).toMatchObject({ status: 5 });
    await lab.zonelet("rm", "box");
  });

  test("several read, one types; a killed client is no end of the container's input", async () => {
    await lab.zonelet("run", "-d", "-i", "--name", "echo", "bb:1", "cat");
    const first = piped("attach", "echo");
    await eventually(async () => (await zlogins()) !== "", { what: "the first is attached" });
    first.child.stdin.write("one\n");
    await first.shows("one\n");

    const second = piped("attach", "echo");
    await eventually(() => second.complained().includes("is held by process"), { within: 10_000, what: "the refusal" });
    first.child.stdin.write("two\n");
    await Promise.all([first.shows("two\n"), second.shows("two\n")]);
    expect(second.said()).toBe("two\n");

    first.child.kill("SIGKILL");
    second.child.kill("SIGKILL");
    await eventually(async () => (await zlogins()) === "", { within: 10_000, what: "no zlogin is left" });
    const third = piped("attach", "echo");
    third.child.stdin.end("three\n");
    expect(await third.status).toBe(0);
    expect(third.said()).toBe("three\n");
    await lab.zonelet("rm", "echo");
  });

  test("signals are the container's, or ours with --sig-proxy=false", async () => {
    const script = "trap 'echo got; exit 9' INT; echo ready; while :; do echo tick; sleep 0.1; done";
    await lab.zonelet("run", "-d", "--name", "sig", "bb:1", "sh", "-c", script);
    const leaver = piped("attach", "--sig-proxy=false", "sig");
    const proxy = piped("attach", "--no-stdin", "sig");
    await Promise.all([leaver.shows("tick"), proxy.shows("tick")]);
    leaver.child.kill("SIGINT");
    expect(await leaver.status).toBe(0);
    proxy.child.kill("SIGINT");
    expect([9, 0]).toContain(await proxy.status);
    expect(proxy.said()).toMatch(/got\n$/);
    expect((await lab.zonelet("wait", "sig")).stdout).toMatch(/^(9|0)\n$/);
    await lab.zonelet("rm", "-f", "sig");
  });
});
