// All ways to stop a container, and what is shown of its restarts.
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

async function ok(...args: string[]): Promise<string> {
  const { stdout, stderr, status } = await lab.zonelet(...args);
  expect(status, `${args.join(" ")}: ${stderr}`).toBe(0);
  return stdout;
}

async function state(name: string): Promise<Record<string, unknown>> {
  const [one] = JSON.parse(await ok("inspect", name)) as { state: Record<string, unknown> }[];
  return one?.state ?? {};
}

/** Runs `script` with sleep as its child, so that traps are heard at once. */
const waiting = (traps: string): string[] => ["sh", "-c", `${traps}; echo up; while :; do sleep 600 & wait $!; done`];

async function up(name: string): Promise<void> {
  await eventually(async () => (await ok("logs", name)).includes("up"), { within: 5_000, what: `${name} has set its traps` }); // prettier-ignore
}

test("stop: at once with -t 0, by another signal, and by SIGKILL when that is not heard", async () => {
  await ok("run", "-d", "--name", "deaf", "--restart", "always", "demo:1", ...waiting('trap "" TERM'));
  await ok("run", "-d", "--name", "usr", "--stop-signal", "USR1", "demo:1", ...waiting("trap 'exit 5' USR1"));
  await ok("run", "-d", "--name", "mute", "--stop-signal", "USR1", "demo:1", ...waiting('trap "" USR1'));
  for (const name of ["deaf", "usr", "mute"]) await up(name);

  const begun = performance.now();
  await ok("stop", "-t", "0", "deaf");
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(await state("deaf")).toMatchObject({ phase: "exited", exitCode: 137, signal: "SIGKILL", platformExitStatus: 0, oomKilled: "unknown" }); // prettier-ignore
  expect(await ok("wait", "deaf")).toBe("137\n");
  expect(await ok("ps", "-a", "--filter", "exited=137")).toContain("Exited (137)");

  await ok("stop", "usr");
  expect(await state("usr")).toMatchObject({ exitCode: 5, platformExitStatus: 5, oomKilled: false });
  await ok("stop", "-t", "1", "mute");
  expect(await state("mute")).toMatchObject({ exitCode: 137, platformExitStatus: 0 });
  expect(await ok("stop", "-t", "0", "mute")).toBe("mute\n"); // again

  // What we knew of that run is not said of the next one, whoever ends it.
  await ok("start", "mute");
  await ok("kill", "-s", "KILL", "mute");
  await ok("wait", "mute");
  expect(await state("mute")).toMatchObject({ exitCode: 137, platformExitStatus: -9 });

  const signals = (await ok("events", "-o", "docker", "--since", "1", "--until", "0s", "--filter", "event=kill"))
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { Actor: { Attributes: { name: string; signal: string } } }).Actor.Attributes)
    .map(({ name, signal }) => `${name} ${signal}`);
  expect(signals).toEqual(["deaf 9", "usr 10", "mute 10", "mute 9", "mute 9"]);
});

test("on-failure:2 starts twice again and says so; always shows when it will", async () => {
  await ok("run", "-d", "--name", "twice", "--restart", "on-failure:2", "demo:1", "sh", "-c", "exit 7");
  await ok("run", "-d", "--name", "ever", "--restart", "unless-stopped", "demo:1", "sh", "-c", "exit 1");
  expect(await ok("wait", "twice")).toBe("7\n");
  expect(await state("twice")).toMatchObject({ exitCode: 7, restartCount: 2, restartsGivenUp: true });
  const [docker] = JSON.parse(await ok("inspect", "-o", "docker", "twice")) as Record<string, unknown>[];
  expect(docker).toMatchObject({
    RestartCount: 2,
    State: { Status: "exited", ExitCode: 7 },
    HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } },
  });
  await eventually(
    async () => /Restarting \(1\) .* ago, next try in \d+ seconds?/.test(await ok("ps", "-a", "--filter", "name=ever")),
    { within: 60_000, what: "the next try is told" },
  );
  const before = await state("ever");
  expect(Date.parse(String(before["nextStart"]))).toBeGreaterThan(Date.parse(String(before["finishedAt"])));
  await ok("stop", "ever");
  expect(await ok("ps", "-a", "--filter", "name=ever")).toContain("Exited (1)");
  expect((await state("ever"))["nextStart"]).toBeUndefined();
});
