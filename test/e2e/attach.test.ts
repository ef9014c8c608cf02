import { randomBytes, createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { TestLab } from "../support/lab.ts";
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

describe("run with input", () => {
  test("-i hands a pipe on, byte for byte, and its end", async () => {
    const bytes = randomBytes(300_000);
    const run = piped(lab, "run", "-i", "--rm", "bb:1", "sha256sum");
    run.child.stdin.end(bytes);
    expect(await run.status).toBe(0);
    expect(run.said()).toBe(`${createHash("sha256").update(bytes).digest("hex")}  -\n`);
    const tilde = piped(lab, "run", "-i", "--rm", "bb:1", "cat");
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
  test("signals are the container's, or ours with --sig-proxy=false", async () => {
    const script = "trap 'echo got; exit 9' INT; echo ready; while :; do echo tick; sleep 0.1; done";
    await lab.zonelet("run", "-d", "--name", "sig", "bb:1", "sh", "-c", script);
    const leaver = piped(lab, "attach", "--sig-proxy=false", "sig");
    const proxy = piped(lab, "attach", "--no-stdin", "sig");
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
