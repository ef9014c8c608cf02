// Readers that leave, and signals that reach a whole process group, as a shell's pipelines and terminals make them.
import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { outcome, TestLab, ZONELET } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
  await lab.zonelet("run", "-d", "--name", "ticker", "demo:1", "sh", "-c", "while :; do echo tick; sleep 0.05; done");
});
afterAll(() => lab.destroy());

test("logs -f ends when its reader has left", async () => {
  const follower = lab.spawn(ZONELET, ["logs", "-f", "ticker"]);
  const ended = new Promise<number | null>((resolve) => follower.once("exit", resolve));
  follower.stdout.once("data", () => follower.stdout.destroy());
  follower.stderr.resume();
  expect(await ended).toBe(0);
});

test("a terminal's Ctrl-C, which reaches all our processes, stops the container without a word", async () => {
  const script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
  const args = ["--disable-warning=ExperimentalWarning", ZONELET, "run", "--rm", "demo:1", "sh", "-c", script];
  const child = spawn(process.execPath, args, {
    env: lab.environment,
    cwd: lab.work,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let seen = "";
  child.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
  const ended = outcome(child);
  await eventually(() => seen.includes("ready"), { within: 20_000, what: "the container is ready" });
  process.kill(-child.pid!, "SIGINT");
  expect(await ended).toMatchObject({ stdout: "ready\n", stderr: "" });
  expect(lab.zoneUuids()).toHaveLength(1);
});
