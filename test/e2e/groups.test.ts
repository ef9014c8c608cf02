import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

function write(name: string, text: string): string {
  const file = join(lab.work, name);
  writeFileSync(file, text);
  return file;
}

const pod = (seed: string): string => `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
  - {name: seed, image: "demo:1", command: [sh, -c, "${seed}"], volumeMounts: [{name: d, mountPath: /d}]}
  containers:
  - {name: main, image: "demo:1", command: [sh, -c, "cat /d/x; sleep 300"], volumeMounts: [{name: d, mountPath: /e}, {name: d, mountPath: /d}]}
  volumes: [{name: d, emptyDir: {}}]
`;

test(
  "a pod killed between its zones goes on with the same command, shares a directory, and is removed as one",
  { timeout: 60_000 },
  async () => {
    const file = join(import.meta.dirname, "../../manifests/examples/shared-pod.yaml");
    const killed = await lab.run(["run", "-d", "-f", file], {
      env: { LABHOST_FAILPOINTS: "vmadm.create.begin=1*off->1*killparent->off" },
    });
    expect(killed.signal).toBe("SIGKILL");
    const again = await lab.run(["run", "-d", "-f", file]);
    expect(again).toMatchObject({ status: 0 });
    expect((await lab.zonelet("logs", "report-main")).stdout).toBe("prepared\n");
    expect((await lab.zonelet("run", "-d", "-f", file)).stderr).toContain('the group "report" is there already');
    expect((await lab.zonelet("rm", "report")).stderr).toContain('1 of 2 containers of the group "report" are running');
    expect(await lab.zonelet("rm", "-f", "report")).toMatchObject({ status: 0 });
    expect(lab.zoneUuids()).toEqual([]);
    expect(lab.records()).toEqual([]);
    expect(existsSync(join(lab.root, "zones/zonelet/groups/report"))).toBe(false);
  },
);

test("a failing init container fails its pod with its last words, and nothing stays", { timeout: 60_000 }, async () => {
  const run = await lab.zonelet(
    "run",
    "-d",
    "-f",
    write("bad.yaml", pod("echo first; echo no such table >&2; exit 3")),
  );
  expect(run).toMatchObject({ status: 5, stdout: "" });
  expect(run.stderr).toContain('init container "web-seed" failed with exit status 3: no such table');
  expect(lab.zoneUuids()).toEqual([]);
  expect(existsSync(join(lab.root, "zones/zonelet/groups/web"))).toBe(false);
});

test(
  "apply creates, leaves alone, recreates with the volume kept, and touches nobody else's",
  { timeout: 90_000 },
  async () => {
    const compose = (word: string): string => `name: shop
services:
  db: {image: "demo:1", command: [sh, -c, "echo ${word} >>/d/log; sleep 300"], volumes: [data:/d]}
  web: {image: "demo:1", command: [sleep, "300"], depends_on: [db]}
volumes: {data: }
`;
    const directory = join(lab.work, "manifests");
    mkdirSync(directory);
    const file = join(directory, "shop.yaml");
    writeFileSync(file, compose("one"));
    writeFileSync(join(directory, "notes.txt"), "no spec");
    const foreign = await lab.zonelet("run", "-d", "--name", "other", "demo:1", "sleep", "300");
    expect((await lab.zonelet("apply", "-f", directory, "--dry-run")).stdout).toBe(
      "shop-db created (dry run)\nshop-web created (dry run)\n",
    );
    expect((await lab.zonelet("apply", "-f", directory)).stdout).toBe("shop-db created\nshop-web created\n");
    expect((await lab.zonelet("apply", "-f", file)).stdout).toBe("shop-db unchanged\nshop-web unchanged\n");
    writeFileSync(file, compose("two"));
    const killed = await lab.run(["apply", "-f", file], {
      env: { LABHOST_FAILPOINTS: "vmadm.delete.halted=1*killparent->off" },
    });
    expect(killed.signal).toBe("SIGKILL");
    expect((await lab.zonelet("apply", "-f", file)).stdout).toMatch(/^shop-db (re)?created\nshop-web unchanged\n$/);
    const log = await lab.zonelet("run", "--rm", "-v", "shop_data:/d:ro", "demo:1", "cat", "/d/log");
    expect(log.stdout).toBe("one\ntwo\n");
    expect((await lab.zonelet("inspect", "other")).stdout).toContain(foreign.stdout.trim());

    const taken = write("taken.yaml", "image: demo:1\nname: other\n");
    const wrong = write("wrong.yaml", "image: demo:1\nname: x\nmemry: 1g\n");
    const nameless = write("nameless.yaml", "image: demo:1\n");
    const all = await lab.zonelet("apply", "-f", wrong, "-f", nameless, "-f", file);
    expect(all.stderr).toContain("2 problems, nothing was touched");
    expect(all.stderr).toContain('unknown key "memry"');
    expect(all.stderr).toContain("needs a name");
    const refused = await lab.zonelet("apply", "-f", taken);
    expect(refused).toMatchObject({ status: 5 });
    expect(refused.stderr).toContain('container "other" exists, and it was not made by "zonelet apply"');
    expect(await lab.zonelet("rm", "-f", "shop", "other")).toMatchObject({ status: 0, stdout: "shop\nother\n" });
    expect(lab.zoneUuids()).toEqual([]);
  },
);
