import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const inVolume = (...path: string[]): string => join(lab.root, "zones/zonelet/volumes", ...path);
const sh = (script: string): string[] => ["demo:1", "sh", "-c", script];

test("killed while it fills a volume, the same command fills it anew", async () => {
  const command = ["run", "--rm", "-v", "half:/etc", ...sh("cat /etc/group >/dev/null && echo whole")];
  // The first create is of the parent; the second makes the volume, marked as being filled.
  const killed = await lab.run(command, { env: { LABHOST_FAILPOINTS: "zfs.create.begin=1*off->1*killparent->off" } });
  expect(killed.signal).toBe("SIGKILL");
  await eventually(() => existsSync(inVolume("half")), {
    within: 10_000,
    what: "zfs has made the volume all the same",
  });
  writeFileSync(inVolume("half/leftover"), "");
  expect(await lab.run(command)).toMatchObject({ status: 0, stdout: "whole\n" });
  expect(() => readFileSync(inVolume("half/leftover"))).toThrow("ENOENT");
  expect(await lab.zonelet("volume", "rm", "half")).toMatchObject({ status: 0 });
});

test("nocopy leaves a volume empty; parts are seen by whoever mounts the whole to read", async () => {
  expect(await lab.zonelet("run", "--rm", "-v", "plain:/etc:nocopy", ...sh("true"))).toMatchObject({ status: 0 });
  expect(readdirSync(inVolume("plain"))).not.toContain("passwd");
  const file = join(lab.work, "part.yaml");
  writeFileSync(
    file,
    `image: demo:1\nname: one\ncommand: [sleep, "300"]\nvolumes: [{source: plain, target: /p, subpath: a/b}]\n`,
  );
  expect(await lab.zonelet("run", "-d", "-f", file)).toMatchObject({ status: 0 });
  expect(await lab.zonelet("run", "--rm", "-v", "plain:/w:ro", ...sh("ls /w/a"))).toMatchObject({ stdout: "b\n" });
  expect(await lab.zonelet("rm", "-f", "one")).toMatchObject({ status: 0 });
  expect(await lab.zonelet("volume", "rm", "plain")).toMatchObject({ status: 0, stdout: "plain\n" });
});

test("every wrong mount is told before anything is made", async () => {
  for (const [args, message] of [
    [["-v", ".x:/d"], "neither an absolute path nor a name"],
    [["-v", "data:/d:xx"], "use ro, rw or nocopy"],
    [["--volumes-from", "nobody"], 'no container "nobody"'],
  ] as const) {
    const run = await lab.zonelet("run", "--rm", ...args, "demo:1", "true");
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(message);
  }
  const nfs = join(lab.work, "nfs.yaml");
  writeFileSync(nfs, "image: demo:1\nvolumes: [{type: nfs, source: 'h:/x', target: /n}]\n");
  expect((await lab.zonelet("run", "-f", nfs)).stderr).toContain("the lab host has no NFS client");
  expect((await lab.zonelet("volume", "ls", "-q")).stdout).toBe("");
  expect(lab.zoneUuids()).toEqual([]);
});
