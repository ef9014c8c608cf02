// Health checks as a user of Docker meets them: with a daemon, without one, and with one that is killed.
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab, ZONELET } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const CHECK = ["--health-interval", "200ms", "--health-timeout", "5s", "--health-retries", "2"];

interface DockerHealth {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { readonly ExitCode: number; readonly Output: string; readonly Start: string }[];
}

async function ok(...args: string[]): Promise<string> {
  const { stdout, stderr, status } = await lab.zonelet(...args);
  expect(status, `${args.join(" ")}: ${stderr}`).toBe(0);
  return stdout;
}

async function dockerHealth(name: string): Promise<DockerHealth | undefined> {
  const [one] = JSON.parse(await ok("inspect", "-o", "docker", name)) as { State: { Health?: DockerHealth } }[];
  return one?.State.Health;
}

async function changes(): Promise<string[]> {
  const lines = await ok("events", "-o", "docker", "--since", "1", "--until", "0s", "--filter", "type=container");
  return lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: { name: string } } })
    .filter(({ Action }) => Action.startsWith("health_status"))
    .map(({ Action, Actor }) => `${Actor.Attributes.name} ${Action}`);
}

class Daemon {
  private readonly child = lab.spawn(ZONELET, ["daemon"]);
  private over = false;
  private log = "";
  constructor() {
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => (this.log += text));
    this.child.on("exit", () => (this.over = true));
  }
  async ready(): Promise<this> {
    await eventually(() => this.log.includes('"ready"'), { within: 10_000, what: "the daemon is ready" });
    return this;
  }
  async end(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await eventually(() => this.over, { within: 10_000, what: `the daemon ends by ${signal}` });
  }
}

test("without a daemon: --wait runs the checks, health runs one, and what fails is told", async () => {
  await ok("run", "-d", "--wait", "--name", "good", "--health-cmd", "echo fine; id -un", ...CHECK, "-u", "guest", "demo:1", "sh", "-c", "exec sleep 600"); // prettier-ignore
  expect(await ok("ps", "--filter", "health=healthy", "--filter", "name=good")).toMatch(/Up .*\(healthy\)/);
  expect(await dockerHealth("good")).toMatchObject({ Status: "healthy", FailingStreak: 0, Log: [{ ExitCode: 0, Output: "fine\nguest\n" }] }); // prettier-ignore

  const bad = await lab.zonelet("run", "-d", "--wait", "--name", "bad", "--health-cmd", "echo no luck >&2; exit 3", ...CHECK, "demo:1", "sh", "-c", "exec sleep 600"); // prettier-ignore
  expect(bad.status).toBe(5);
  expect(bad.stdout).toMatch(/^[0-9a-f]{64}\n$/);
  expect(bad.stderr).toContain('container "bad" failed its check 2 times: no luck');
  const once = await lab.zonelet("health", "bad");
  expect(once).toMatchObject({
    status: 1,
    stdout: "unhealthy (the check failed with exit status 3, 3 failures in a row)\n",
    stderr: "no luck\n",
  });
  expect(await changes()).toEqual(["good health_status: healthy", "bad health_status: unhealthy"]);

  const gone = await lab.zonelet("run", "-d", "--wait", "--name", "brief", "--health-cmd", "true", "--health-interval", "30s", "demo:1", "sh", "-c", "exit 4"); // prettier-ignore
  expect(gone.status).toBe(5);
  expect(gone.stderr).toContain('container "brief" ended with exit status 4');
  expect((await lab.zonelet("health", "brief")).stderr).toContain('container "brief" is not running');

  await ok("rm", "-f", "good", "bad", "brief");
  await ok("run", "-d", "--wait", "--name", "plain", "demo:1", "sh", "-c", "exec sleep 600");
  expect((await lab.zonelet("health", "plain")).stderr).toContain('container "plain" has no health check');
  expect((await lab.zonelet("run", "--wait", "demo:1", "true")).stderr).toContain("add -d");
  expect((await lab.zonelet("start", "--wait-timeout", "3", "plain")).stderr).toContain("add --wait");
  await ok("rm", "-f", "plain");
});

test("the daemon runs them, tells of changes, and goes on after a kill where it was", async () => {
  await ok("run", "-d", "--name", "web", "--health-cmd", "test ! -e /tmp/ill && echo good", ...CHECK, "demo:1", "sh", "-c", "exec sleep 600"); // prettier-ignore
  const known = (await changes()).length;
  let daemon = await new Daemon().ready();
  await eventually(async () => (await dockerHealth("web"))?.Status === "healthy", { within: 10_000, what: "web is healthy" }); // prettier-ignore
  await daemon.end("SIGKILL");
  const before = await dockerHealth("web");
  expect(before?.Status).toBe("healthy");
  await ok("exec", "web", "sh", "-c", "echo > /tmp/ill");
  daemon = await new Daemon().ready();
  await eventually(async () => (await dockerHealth("web"))?.Status === "unhealthy", { within: 10_000, what: "web is unhealthy" }); // prettier-ignore
  expect(await ok("ps", "--filter", "health=unhealthy")).toMatch(/Up .*\(unhealthy\)/);
  expect((await changes()).slice(known)).toEqual(["web health_status: healthy", "web health_status: unhealthy"]);
  // A new run begins anew.
  await ok("exec", "web", "rm", "/tmp/ill");
  await ok("restart", "-t", "1", "web");
  await eventually(async () => (await dockerHealth("web"))?.Status === "healthy", { within: 10_000, what: "web is healthy again" }); // prettier-ignore
  expect((await dockerHealth("web"))?.FailingStreak).toBe(0);
  await ok("rm", "-f", "web");
  await daemon.end("SIGTERM");
});
