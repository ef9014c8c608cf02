import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { outcome, TestLab, ZONELET } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
  const script =
    'printf "one\\ntwo\\n"; sleep 0.3; echo oops >&2; sleep 0.3; printf "caf\\303\\251 "; sleep 0.2; echo end';
  await lab.zonelet("run", "--name", "web", "-l", "tier=front", "demo:1", "sh", "-c", script);
});
afterAll(() => lab.destroy());

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /gm;

test("each stream goes to ours, or only one", async () => {
  const [all, one, followed] = await Promise.all([
    lab.zonelet("logs", "web"),
    lab.zonelet("logs", "--stream", "stderr", "web"),
    lab.zonelet("logs", "-f", "--tail", "2", "web"),
  ]);
  expect(all).toMatchObject({ status: 0, stdout: "one\ntwo\ncafé end\n", stderr: "oops\n" });
  expect(one).toMatchObject({ stdout: "", stderr: "oops\n" });
  expect(followed).toMatchObject({ stdout: "café end\n", stderr: "oops\n" });
});

test("a time and details before each line, not before each record", async () => {
  const { stdout } = await lab.zonelet("logs", "-t", "--details", "web");
  expect(stdout.match(TIME)).toHaveLength(3);
  expect(stdout.replace(TIME, "")).toBe(
    ["one", "two", "café end", ""]
      .join("\nstream=stdout,tier=front ")
      .replace(/^/, "stream=stdout,tier=front ")
      .replace(/stream=\S+ $/, ""),
  );
});

test("since and until take what -t printed", async () => {
  const { stderr } = await lab.zonelet("logs", "-t", "--stream", "stderr", "web");
  const time = stderr.slice(0, 30);
  const [since, until, wrong] = await Promise.all(
    [
      ["--since", time],
      ["--until", time],
      ["--since", "yesterday"],
    ].map((flags) => lab.zonelet("logs", ...flags, "web")),
  );
  expect(since).toMatchObject({ stdout: "café end\n", stderr: "oops\n" });
  expect(until).toMatchObject({ stdout: "one\ntwo\n", stderr: "" });
  expect(wrong).toMatchObject({ status: 2, stdout: "" });
});

test("several containers: whole lines with their names", async () => {
  await lab.zonelet("run", "--name", "db2", "demo:1", "sh", "-c", "printf x; sleep 0.1; echo y; printf half");
  expect(await lab.zonelet("logs", "web", "db2")).toMatchObject({
    stdout: "web | one\nweb | two\nweb | café end\ndb2 | xy\ndb2 | half\n",
    stderr: "web | oops\n",
  });
});

test("following goes on through restarts by policy and ends when the container is removed", async () => {
  await lab.zonelet(
    "run",
    "-d",
    "--name",
    "again",
    "--restart",
    "always",
    "demo:1",
    "sh",
    "-c",
    "echo boot; sleep 0.2",
  );
  const child = lab.spawn(ZONELET, ["logs", "-f", "again"]);
  const ended = outcome(child);
  let seen = "";
  child.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
  await eventually(() => seen.startsWith("boot\nboot\n"), { within: 20_000, what: "two boots in the log" });
  // Nor does a follower keep the zone's dataset busy.
  expect(await lab.zonelet("rm", "-f", "again")).toMatchObject({ status: 0 });
  expect(await ended).toMatchObject({ status: 0, stderr: "" });
});

test("a follower that is killed leaves nothing behind, one whose reader has gone ends", async () => {
  await lab.zonelet("run", "-d", "--name", "busy", "demo:1", "sh", "-c", "while :; do echo tick; sleep 0.05; done");
  const killed = lab.spawn(ZONELET, ["logs", "-f", "busy"]);
  await new Promise((resolve) => killed.stdout.once("data", resolve));
  // It has had its answer from vmadm and runs nothing any more.
  const children = (): string =>
    readFileSync(`/proc/${String(killed.pid)}/task/${String(killed.pid)}/children`, "utf8").trim();
  await eventually(() => children() === "", { what: "the follower has no child" });
  killed.kill("SIGKILL");
  expect((await outcome(killed)).signal).toBe("SIGKILL");

  const head = spawn("sh", ["-c", `"$NODE" "$PROGRAM" logs -f busy | head -n 1`], {
    env: { ...lab.environment, NODE: process.execPath, PROGRAM: ZONELET },
    stdio: ["ignore", "pipe", "pipe"],
  });
  expect(await outcome(head)).toMatchObject({ status: 0, stdout: "tick\n", stderr: "" });
  await lab.zonelet("rm", "-f", "busy");
});
