import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { eventually } from "../support/eventually.ts";
import { outcome, TestLab } from "../support/lab.ts";
import { piped } from "../support/piped.ts";
import { PtySession } from "../support/pty.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create({ image: false });
  const archive = join(lab.work, "image.tar");
  await writeBusyboxImage(archive, "bb:1");
  expect(await lab.zonelet("load", "-q", "-i", archive)).toMatchObject({ status: 0 });
});
afterAll(() => lab.destroy());

/** zlogin processes of this lab that are still there. */
async function zlogins(): Promise<string> {
  const ps = spawn("ps", ["-eo", "args"], { stdio: ["ignore", "pipe", "pipe"] });
  const { stdout } = await outcome(ps);
  return stdout
    .split("\n")
    .filter((line) => line.includes("--as zlogin") && line.includes("-I"))
    .join("\n");
}

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
  const first = piped(lab, "attach", "echo");
  await eventually(async () => (await zlogins()) !== "", { what: "the first is attached" });
  first.child.stdin.write("one\n");
  await first.shows("one\n");

  const second = piped(lab, "attach", "echo");
  await eventually(() => second.complained().includes("is held by process"), { within: 10_000, what: "the refusal" });
  first.child.stdin.write("two\n");
  await Promise.all([first.shows("two\n"), second.shows("two\n")]);
  expect(second.said()).toBe("two\n");

  first.child.kill("SIGKILL");
  second.child.kill("SIGKILL");
  await eventually(async () => (await zlogins()) === "", { within: 10_000, what: "no zlogin is left" });
  const third = piped(lab, "attach", "echo");
  third.child.stdin.end("three\n");
  expect(await third.status).toBe(0);
  expect(third.said()).toBe("three\n");
  await lab.zonelet("rm", "echo");
});
