// The daemon from outside: it starts, serves, keeps `--rm`, survives a bad configuration and a kill, and drains.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab, ZONELET } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());
afterEach(() => {
  // A test that failed half-way leaves its daemon.
  for (const daemon of started.splice(0)) daemon.kill();
});

const started: Daemon[] = [];

class Daemon {
  private readonly child = lab.spawn(ZONELET, ["daemon"]);
  log = "";
  status: number | null | undefined;
  constructor() {
    started.push(this);
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => (this.log += text));
    this.child.on("exit", (code) => (this.status = code));
  }
  get pid(): number {
    return this.child.pid ?? 0;
  }
  kill(): void {
    if (this.status === undefined) this.child.kill("SIGKILL");
  }
  messages(): string[] {
    return this.log
      .split("\n")
      .filter(Boolean)
      .map((line) => String((JSON.parse(line) as { msg: unknown }).msg));
  }
  async ready(): Promise<this> {
    await eventually(() => this.messages().includes("ready"), { within: 10_000, what: "the daemon is ready" });
    return this;
  }
  async end(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await eventually(() => this.status !== undefined, { within: 10_000, what: `the daemon ends by ${signal}` });
  }
}

interface Told {
  readonly seq: number;
  readonly topic: string;
  readonly synthesized?: boolean;
}
async function events(...args: string[]): Promise<Told[]> {
  const { stdout, status, stderr } = await lab.zonelet("events", "-o", "json", ...args);
  expect(status, stderr).toBe(0);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Told);
}

test("without a daemon status says so, and events are told all the same", async () => {
  expect(await lab.zonelet("status")).toMatchObject({
    status: 5,
    stdout: "no daemon runs here; commands work without one\n",
  });
  // The image the lab was given.
  expect((await events("--since", "1", "--until", "0s")).map(({ topic }) => topic)).toEqual(["/images/create"]);
});

test("one daemon: status, a second one, --rm, SIGTERM", async () => {
  const daemon = await new Daemon().ready();
  const status = await lab.zonelet("status", "-o", "json");
  expect(JSON.parse(status.stdout)).toMatchObject({ ready: true, api: ["v1"], pid: daemon.pid, root: lab.root });
  const info = JSON.parse((await lab.zonelet("info", "-o", "json")).stdout) as Record<string, unknown>;
  expect(info).toMatchObject({
    node: { kind: "lab", root: lab.root },
    capabilities: { zstd: true, snapshots: true },
    latencies: { "GET /v1/status": { count: 1, failed: 0 }, sysinfo: { count: 1 } },
    problems: [],
  });
  const second = await lab.zonelet("daemon");
  expect(second.status).toBe(5);
  expect(second.stderr).toContain("another daemon works on");

  const run = await lab.zonelet("run", "-d", "--rm", "--name", "brief", "demo:1", "true");
  expect(run.status, run.stderr).toBe(0);
  await eventually(async () => (await lab.zonelet("ps", "-aq")).stdout === "", {
    within: 10_000,
    what: "the container is cleared away",
  });

  // Verbs that only look ask the daemon: no host command is started.
  expect((await lab.zonelet("run", "-d", "--name", "seen", "demo:1", "sh", "-c", "echo here; exit 4")).status).toBe(0);
  const before = lab.callCount;
  expect((await lab.zonelet("wait", "seen")).stdout).toBe("4\n");
  expect((await lab.zonelet("logs", "-f", "seen")).stdout).toBe("here\n");
  expect((await lab.zonelet("ps", "-a")).stdout).toContain("Exited (4)");
  expect((await lab.zonelet("inspect", "seen")).status).toBe(0);
  expect(lab.calls(before).map(({ command, args }) => [command, ...args].join(" "))).toEqual([]);
  expect((await lab.zonelet("rm", "seen")).status).toBe(0);

  await daemon.end("SIGTERM");
  expect(daemon.status).toBe(0);
  expect(daemon.messages()).toEqual(["ready", "stopping"]);
  expect(existsSync(join(lab.root, "var/run/zonelet/zonelet.sock"))).toBe(false);
});

describe("kept over lives", () => {
  test("--since sees each event once over a kill -9, and what happened meanwhile is told as found", async () => {
    const first = await new Daemon().ready();
    expect((await lab.zonelet("run", "-d", "--name", "web", "demo:1", "sleep", "300")).status).toBe(0);
    await eventually(async () => (await events("--since", "1", "--until", "0s")).at(-1)?.topic === "/tasks/start", {
      within: 5000,
      what: "the start is told",
    });
    const seen = await events("--since", "1", "--until", "0s");
    await first.end("SIGKILL");
    expect((await lab.zonelet("stop", "-t", "1", "web")).status).toBe(0);
    expect((await lab.zonelet("rm", "web")).status).toBe(0);

    const second = await new Daemon().ready();
    const rest = await events("--since", String((seen.at(-1)?.seq ?? 0) + 1), "--until", "0s");
    const [asked, ...found] = rest;
    expect(asked?.topic, "the stop is noted by whoever asks for it").toBe("/zones/signal");
    expect(found.map((e) => e.topic)).toEqual([
      "/tasks/exit",
      "/tasks/delete",
      "/snapshot/remove",
      "/containers/delete",
      "/agent/resync",
    ]);
    expect(found.slice(0, 4).every((e) => e.synthesized)).toBe(true);
    const all = [...seen, ...rest].map((e) => e.seq);
    expect(all).toEqual(all.map((_, i) => i + 1));
    await second.end("SIGTERM");
  });

  test("a broken configuration is refused as a whole, a good one taken over", async () => {
    const daemon = await new Daemon().ready();
    const file = join(lab.root, "opt/custom/etc/zonelet.yaml");
    const good = readFileSync(file, "utf8");
    writeFileSync(file, `${good}\nnonsense: 1\n`);
    process.kill(daemon.pid, "SIGHUP");
    await eventually(() => daemon.messages().some((m) => m.startsWith("configuration refused")), {
      within: 5000,
      what: "a refusal",
    });
    expect(daemon.log).toContain("nonsense");
    writeFileSync(file, good);
    process.kill(daemon.pid, "SIGHUP");
    await eventually(() => daemon.messages().includes("configuration taken over"), {
      within: 5000,
      what: "a take-over",
    });
    expect((await lab.zonelet("status")).status).toBe(0);
    await daemon.end("SIGTERM");
  });
});

test("what is done to images is told, with a daemon or without", async () => {
  const { seq } = (await events("--since", "1", "--until", "0s")).at(-1) ?? { seq: 0 };
  expect((await lab.zonelet("tag", "demo:1", "other:2")).status).toBe(0);
  expect((await lab.zonelet("rmi", "other:2")).status).toBe(0);
  const told = await events("--since", String(seq + 1), "--until", "0s", "-f", "topic~=images");
  expect(told.map(({ topic }) => topic)).toEqual(["/images/update", "/images/delete"]);
});

test("filters: both grammars, and what is wrong with one", async () => {
  const exits = await events("--since", "1", "--until", "0s", "-f", 'topic=="/tasks/exit"');
  expect(new Set(exits.map((e) => e.topic))).toEqual(new Set(["/tasks/exit"]));
  const docker = await lab.zonelet(
    "events",
    "--since",
    "1",
    "--until",
    "0s",
    "-o",
    "docker",
    "-f",
    "event=die",
    "-f",
    "container=web",
  );
  expect(JSON.parse(docker.stdout.split("\n")[0] ?? "")).toMatchObject({
    Action: "die",
    Actor: { Attributes: { name: "web" } },
  });
  const wrong = await lab.zonelet("events", "-f", "topic==/tasks/exit");
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain("[topic== >|/|< tasks/exit]: invalid quote encountered");
  expect((await lab.zonelet("events", "--since", "yesterday")).stderr).toContain("--since takes a time or a duration");
});
