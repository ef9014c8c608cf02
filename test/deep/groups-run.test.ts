import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

test("a pod is started in order, shares a directory, and is removed as one", async () => {
  const file = join(import.meta.dirname, "../../manifests/examples/shared-pod.yaml");
  expect(await lab.zonelet("run", "-d", "-f", file)).toMatchObject({ status: 0 });
  expect((await lab.zonelet("logs", "report-main")).stdout).toBe("prepared\n");
  expect((await lab.zonelet("run", "-d", "-f", file)).stderr).toContain('the group "report" is there already');
  expect((await lab.zonelet("rm", "report")).stderr).toContain('1 of 2 containers of the group "report" are running');
  expect(await lab.zonelet("rm", "-f", "report")).toMatchObject({ status: 0 });
  expect(lab.zoneUuids()).toEqual([]);
  expect(lab.records()).toEqual([]);
  expect(existsSync(join(lab.root, "zones/zonelet/groups/report"))).toBe(false);
});

test("a failing init container fails its pod with its last words, and nothing stays", async () => {
  const pod = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
  - {name: seed, image: "demo:1", command: [sh, -c, "echo first; echo no such table >&2; exit 3"], volumeMounts: [{name: d, mountPath: /d}]}
  containers:
  - {name: main, image: "demo:1", command: [sleep, "300"], volumeMounts: [{name: d, mountPath: /e}]}
  volumes: [{name: d, emptyDir: {}}]
`;
  const run = await lab.zonelet("run", "-d", "-f", write("bad.yaml", pod));
  expect(run).toMatchObject({ status: 5, stdout: "" });
  expect(run.stderr).toContain('init container "web-seed" failed with exit status 3: no such table');
  expect(lab.zoneUuids()).toEqual([]);
  expect(existsSync(join(lab.root, "zones/zonelet/groups/web"))).toBe(false);
});

test("apply creates, leaves alone, recreates with the volume kept, and touches nobody else's", async () => {
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
  await lab.zonelet("create", "--name", "other", "demo:1");
  const [other] = lab.zoneUuids();
  expect((await lab.zonelet("apply", "-f", directory, "--dry-run")).stdout).toBe(
    "shop-db created (dry run)\nshop-web created (dry run)\n",
  );
  expect((await lab.zonelet("apply", "-f", directory)).stdout).toBe("shop-db created\nshop-web created\n");
  writeFileSync(file, compose("two"));
  expect((await lab.zonelet("apply", "-f", file)).stdout).toBe("shop-db recreated\nshop-web unchanged\n");
  expect(readFileSync(join(lab.root, "zones/zonelet/volumes/shop_data/log"), "utf8")).toBe("one\ntwo\n");

  const wrong = write("wrong.yaml", "image: demo:1\nname: x\nmemry: 1g\n");
  const nameless = write("nameless.yaml", "image: demo:1\n");
  const all = await lab.zonelet("apply", "-f", wrong, "-f", nameless, "-f", file);
  expect(all.stderr).toContain("2 problems, nothing was touched");
  expect(all.stderr).toContain('unknown key "memry"');
  expect(all.stderr).toContain("needs a name");
  const refused = await lab.zonelet("apply", "-f", write("taken.yaml", "image: demo:1\nname: other\n"));
  expect(refused).toMatchObject({ status: 5 });
  expect(refused.stderr).toContain('container "other" exists, and it was not made by "zonelet apply"');
  expect(await lab.zonelet("rm", "-f", "shop")).toMatchObject({ status: 0, stdout: "shop\n" });
  expect(lab.zoneUuids()).toEqual([other]);
});
