// SIGKILL of the CLI at every external effect of `run`, then the same command again, or `rm`: it converges and leaves no
// orphan. The lab host kills its caller at a failpoint and goes on with its own work, as vmadm would.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { outcome, TestLab, ZONELET } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const POINTS = [
  "vmadm.lookup.begin",
  "vmadm.lookup.end",
  "imgadm.get.begin",
  "vmadm.validate.begin",
  "vmadm.validate.end",
  "vmadm.create.begin",
  "vmadm.create.parsed",
  "vmadm.create.validated",
  "vmadm.create.configured",
  "vmadm.create.installed",
  "vmadm.create.finalized",
  "vmadm.create.end",
  "vmadm.start.begin",
  "vmadm.start.booted",
  "vmadm.start.end",
];

const COMMAND = ["run", "-d", "--name", "phoenix", "demo:1", "sleep", "300"] as const;

async function killedAt(point: string, args: readonly string[] = COMMAND): Promise<boolean> {
  const run = await lab.run(args, { env: { LABHOST_FAILPOINTS: `${point}=1*killparent->off` } });
  return run.signal === "SIGKILL";
}

/** Zones known to the platform, by state; waits for a surviving vmadm to end first. */
async function zones(): Promise<string[]> {
  await eventually(() => !platformBusy(), { within: 20_000, what: "no emulated command runs any more" });
  const { stdout } = await lab.platform("vmadm", "list", "-H", "-o", "state,alias");
  return stdout.trim().split("\n").filter(Boolean);
}

/** True while a command of this lab is running: its environment names the lab's root. */
function platformBusy(): boolean {
  return processes().some(({ cmdline }) => cmdline.includes("--as\0vmadm") || cmdline.includes("--as\0imgadm"));
}

function processes(): { readonly pid: number; readonly cmdline: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(`LABHOST_ROOT=${lab.root}\0`)) return [];
        return [{ pid: Number(name), cmdline: readFileSync(`/proc/${name}/cmdline`, "utf8") }];
      } catch {
        return [];
      }
    });
}

describe.each(POINTS)("killed at %s", (point) => {
  test("the same command again converges to one running zone", async () => {
    const killed = await killedAt(point);
    const again = await lab.run(COMMAND);
    if (killed || again.status === 0) expect(again).toMatchObject({ status: 0 });
    else expect(again.stderr).toContain("is in use"); // the point was not on the way: the first run had succeeded
    expect(await zones()).toEqual([expect.stringMatching(/^running +phoenix$/)]);
    expect(lab.records()).toHaveLength(1);
    expect(await lab.zonelet("rm", "-f", "phoenix")).toMatchObject({ status: 0 });
    expect(await zones()).toEqual([]);
    expect(lab.records()).toEqual([]);
    expect(lab.zoneUuids()).toEqual([]);
  });

  test("rm clears up", async () => {
    const killed = await killedAt(point);
    const rm = await lab.zonelet("rm", "-f", "phoenix");
    const nothingWasBegun = rm.status === 3 && rm.stderr.includes("no container");
    expect(rm.status === 0 || (killed && nothingWasBegun)).toBe(true);
    expect(await zones()).toEqual([]);
    expect(lab.zoneUuids()).toEqual([]);
    expect(lab.records()).toEqual([]);
  });
});

test("a foreground run killed while it watches is taken up again by the same command", async () => {
  const command = ["run", "--rm", "--name", "watched", "demo:1", "sh", "-c", "echo begun; sleep 2; echo done; exit 6"];
  const first = lab.spawn(ZONELET, command);
  let seen = "";
  first.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
  const ended = outcome(first);
  await eventually(() => seen.includes("begun"), { within: 20_000, what: "the container has begun" });
  first.kill("SIGKILL");
  expect((await ended).signal).toBe("SIGKILL");
  const other = await lab.zonelet("run", "-d", "--name", "watched", "demo:1", "true");
  expect(other).toMatchObject({ status: 4 });
  expect(other.stderr).toMatch(
    /left by a "zonelet run" that was killed\n {2}give that command again .*zonelet rm -f watched/,
  );
  const again = await lab.run(command);
  expect(again).toMatchObject({ status: 6, stdout: "begun\ndone\n" });
  expect(again.stderr).toContain("going on with watched");
  expect(lab.zoneUuids()).toEqual([]);
  expect(lab.records()).toEqual([]);
});

test("after all of it no process, mount or namespace of a zone is left", async () => {
  expect(await zones()).toEqual([]);
  for (const controller of ["memory", "cpu", "pids", ""]) expect(cgroups(controller)).toEqual([]);
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(`${lab.root}/zones/`));
  expect(mounts).toEqual([]);
  await eventually(() => processes().every(({ cmdline }) => !cmdline.includes("zoneadmd")), {
    within: 5_000,
    what: "no supervisor is left",
  });
});

/** Control groups that carry a zone's name, below a v1 controller or (empty) the unified tree. */
function cgroups(controller: string): string[] {
  const top = join("/sys/fs/cgroup", controller);
  if (!existsSync(top)) return [];
  const started = lab
    .calls()
    .flatMap(({ command, args }) => (command === "vmadm" && args[0] === "start" ? [args[1] ?? ""] : []));
  expect(started).not.toEqual([]);
  const labs = readdirSync(top).filter((name) => name.startsWith("zonelet-lab"));
  return labs
    .flatMap((name) => readdirSync(join(top, name)))
    .filter((name) => started.some((uuid) => name.includes(uuid)));
}
