// SIGKILL of the CLI at every external effect of `run -d -f POD` and of `apply`, then the same command again, or
// `rm -f GROUP`: it converges, and nothing is left. Zones of others are never touched.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab, type Outcome } from "../support/lab.ts";

let lab: TestLab;
let foreign: string;
let before: string[];
beforeAll(async () => {
  lab = await TestLab.create();
  const other = await lab.zonelet("run", "-d", "--name", "other", "demo:1", "sleep", "3600");
  expect(other).toMatchObject({ status: 0 });
  foreign = lab.zoneUuids().join();
  before = datasets();
});
afterAll(() => lab.destroy());

/** The last of several kills of the same place: `1` fires at its second hit. */
const at = (place: string, ...skips: number[]): [string, number][] => skips.map((skip) => [place, skip]);

async function killed([place, skip]: readonly [string, number], args: readonly string[]): Promise<Outcome> {
  const term = skip === 0 ? "1*killparent->off" : `${skip}*off->1*killparent->off`;
  const run = await lab.run(args, { env: { LABHOST_FAILPOINTS: `${place}=${term}` } });
  await eventually(() => !platformBusy(), { within: 20_000, what: "no command of the platform runs any more" });
  return run;
}

/** A command the killed one had started goes on alone. */
function platformBusy(): boolean {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(`LABHOST_ROOT=${lab.root}\0`)) return false;
        // A stream of events ends when it has something to tell a reader who is gone.
        return /--as\0(?:vmadm\0(?!events)|imgadm|zfs)/.test(readFileSync(`/proc/${name}/cmdline`, "utf8"));
      } catch {
        return false;
      }
    });
}

/** State and name of every zone but the foreign one, which is as it was. */
async function zones(): Promise<string[]> {
  const { stdout } = await lab.platform("vmadm", "lookup", "-j", "-o", "uuid,state,alias");
  const all = JSON.parse(stdout) as { uuid: string; state: string; alias: string }[];
  expect(all.filter(({ uuid }) => uuid === foreign)).toEqual([{ uuid: foreign, state: "running", alias: "other" }]);
  return all.flatMap(({ uuid, state, alias }) => (uuid === foreign ? [] : [`${alias} ${state}`])).toSorted();
}

function expectNothingLeft(group: string): void {
  expect(lab.zoneUuids()).toEqual([foreign]);
  expect(lab.records()).toEqual([`${foreign}.json`]);
  expect(existsSync(join(lab.root, "zones/zonelet/groups", group))).toBe(false);
  expect(datasets()).toEqual(before);
}

/** Of zones and images. */
function datasets(): string[] {
  return readdirSync(join(lab.root, "zones"))
    .filter((name) => /^[0-9a-f-]{36}$/.test(name))
    .toSorted();
}

/** Failpoints count their hits over all commands of the lab. */
function resetFailpoints(): void {
  rmSync(join(lab.root, "lab/failpoints"), { recursive: true, force: true });
}
beforeEach(resetFailpoints);

describe("run -d of a pod: an init container, two apps, a directory they share", () => {
  const command = (): string[] => ["run", "-d", "-f", join(lab.work, "pod.yaml")];
  beforeAll(() => {
    writeFileSync(
      join(lab.work, "pod.yaml"),
      `apiVersion: v1
kind: Pod
metadata: {name: trio}
spec:
  initContainers:
  - {name: seed, image: "demo:1", command: [sh, -c, "echo seeded >/d/x"], volumeMounts: [{name: d, mountPath: /d}]}
  containers:
  - {name: one, image: "demo:1", command: [sh, -c, "cat /d/x; sleep 3600"], volumeMounts: [{name: d, mountPath: /d}]}
  - {name: two, image: "demo:1", command: [sleep, "3600"], volumeMounts: [{name: d, mountPath: /e}]}
  volumes: [{name: d, emptyDir: {}}]
`,
    );
  });

  const POINTS = [
    ...at("vmadm.lookup.begin", 0, 1),
    ...at("imgadm.get.begin", 0, 1),
    ...at("vmadm.validate.end", 0, 1),
    ...at("zfs.create.begin", 0, 1),
    ...at("zfs.list.begin", 0, 1),
    ...at("vmadm.create.begin", 0, 1, 2),
    ...at("vmadm.create.installed", 0, 1, 2),
    ...at("vmadm.create.end", 0, 2),
    ...at("vmadm.start.begin", 0, 1, 2),
    ...at("vmadm.start.booted", 0, 1, 2),
    ...at("vmadm.start.end", 0, 2),
    ...at("vmadm.events.begin", 0),
  ];

  test.each(POINTS)("killed at %s after %i of them: the same command converges", async (place, skip) => {
    expect((await killed([place, skip], command())).signal).toBe("SIGKILL");
    const again = await lab.run(command());
    // Killed after the last effect there is nothing left to do.
    if (again.status !== 0) expect(again.stderr).toContain('the group "trio" is there already');
    expect(await zones()).toEqual(["trio-one running", "trio-seed stopped", "trio-two running"]);
    expect(lab.records()).toHaveLength(4);
    expect((await lab.zonelet("logs", "trio-one")).stdout).toBe("seeded\n");
    expect(await lab.zonelet("rm", "-f", "trio")).toMatchObject({ status: 0 });
    expectNothingLeft("trio");
  });

  test.each(POINTS.filter(([, skip]) => skip < 2))(
    "killed at %s after %i of them: rm clears up",
    async (place, skip) => {
      expect((await killed([place, skip], command())).signal).toBe("SIGKILL");
      const rm = await lab.zonelet("rm", "-f", "trio");
      if (rm.status !== 0) expect(rm).toMatchObject({ status: 3 });
      expect(await zones()).toEqual([]);
      expectNothingLeft("trio");
    },
  );

  test.each([...at("vmadm.delete.begin", 0, 1), ...at("vmadm.delete.halted", 0, 2), ...at("zfs.destroy.begin", 0)])(
    "rm killed at %s after %i of them: rm again clears up",
    async (place, skip) => {
      expect(await lab.run(command())).toMatchObject({ status: 0 });
      expect((await killed([place, skip], ["rm", "-f", "trio"])).signal).toBe("SIGKILL");
      const rm = await lab.zonelet("rm", "-f", "trio");
      if (rm.status !== 0) expect(rm).toMatchObject({ status: 3 });
      expect(await zones()).toEqual([]);
      expectNothingLeft("trio");
    },
  );
});

describe("apply of a changed, an unchanged and a new container", () => {
  const command = (): string[] => ["apply", "-f", join(lab.work, "shop.yaml")];
  const write = (word: string, more = ""): void =>
    writeFileSync(
      join(lab.work, "shop.yaml"),
      `name: shop
services:
  db: {image: "demo:1", command: [sh, -c, "echo ${word} >>/d/log; sleep 3600"], volumes: [data:/d]}
  web: {image: "demo:1", command: [sleep, "3600"], depends_on: [db]}
${more}volumes: {data: }
`,
    );
  const NEW = '  new: {image: "demo:1", command: [sleep, "3600"], depends_on: [web]}\n';
  const log = (): string[] =>
    readFileSync(join(lab.root, "zones/zonelet/volumes/shop_data/log"), "utf8").trim().split("\n");

  test.each([
    ...at("vmadm.lookup.begin", 0),
    ...at("vmadm.stop.begin", 0),
    ...at("vmadm.stop.halted", 0),
    ...at("vmadm.stop.end", 0),
    ...at("vmadm.delete.begin", 0),
    ...at("vmadm.delete.halted", 0),
    ...at("vmadm.delete.uninstalled", 0),
    ...at("vmadm.delete.end", 0),
    ...at("vmadm.validate.begin", 0, 1),
    ...at("vmadm.create.begin", 0, 1),
    ...at("vmadm.create.installed", 0, 1),
    ...at("vmadm.create.end", 0, 1),
    ...at("vmadm.start.begin", 0, 1),
    ...at("vmadm.start.booted", 0, 1),
    ...at("vmadm.start.end", 0),
  ])("killed at %s after %i of them: the next apply converges, the volume keeps what is in it", async (place, skip) => {
    write("before");
    expect(await lab.run(command())).toMatchObject({ status: 0 });
    const [web] = await identities("shop-web");
    write("after", NEW);
    resetFailpoints();
    expect((await killed([place, skip], command())).signal).toBe("SIGKILL");
    const again = await lab.run(command());
    expect(again).toMatchObject({ status: 0 });
    expect(again.stdout).toContain("shop-web unchanged\n");
    expect(await zones()).toEqual(["shop-db running", "shop-new running", "shop-web running"]);
    expect(await identities("shop-web")).toEqual([web]);
    await eventually(() => log().at(-1) === "after", { within: 10_000, what: "the new container has written" });
    expect(log()[0]).toBe("before");
    expect((await lab.run(command())).stdout).toBe("shop-db unchanged\nshop-web unchanged\nshop-new unchanged\n");
    expect(await lab.zonelet("rm", "-f", "shop")).toMatchObject({ status: 0 });
    expect(await lab.zonelet("volume", "rm", "shop_data")).toMatchObject({ status: 0 });
    expectNothingLeft("shop");
  });

  async function identities(name: string): Promise<string[]> {
    const { stdout } = await lab.platform("vmadm", "lookup", `alias=${name}`);
    return stdout.trim().split("\n").filter(Boolean);
  }
});
