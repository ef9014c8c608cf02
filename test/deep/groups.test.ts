// The verbs on groups, and what is declared in directories.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const SHOP = `name: shop
services:
  web: {image: "demo:1", command: [sh, -c, "echo web >>/d/log; sleep 3600"], volumes: [data:/d], depends_on: [db]}
  db: {image: "demo:1", command: [sh, -c, "echo db >>/d/log; sleep 3600"], volumes: [data:/d]}
volumes: {data: }
`;

function write(name: string, text: string): string {
  const file = join(lab.work, name);
  writeFileSync(file, text);
  return file;
}

/** State and name of every zone. */
async function zones(): Promise<string[]> {
  const { stdout } = await lab.platform("vmadm", "list", "-H", "-o", "alias,state", "-s", "alias");
  return stdout
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(/ +/).join(" "));
}

/** Names, in the order in which the platform was told to do this to their zones. */
async function order(verb: string, from: number): Promise<string[]> {
  const { stdout } = await lab.platform("vmadm", "list", "-H", "-o", "uuid,alias");
  const names = new Map(stdout.split("\n").map((line): [string, string] => [line.slice(0, 36), line.slice(36).trim()]));
  return lab
    .calls(from)
    .filter(({ command, args }) => command === "vmadm" && args[0] === verb)
    .map(({ args }) => names.get(args.find((word) => names.has(word)) ?? "") ?? "?");
}

test("create makes all, start, stop, restart and kill go in order, for the group and for one of it", async () => {
  const file = write("shop.yaml", SHOP);
  expect(await lab.zonelet("create", "-f", file)).toMatchObject({ status: 0 });
  expect(await zones()).toEqual(["shop-db stopped", "shop-web stopped"]);
  expect((await lab.zonelet("create", "-f", file)).stderr).toContain('the group "shop" is there already');

  for (const [verb, platform, expected, state] of [
    ["start", "start", ["shop-db", "shop-web"], "running"],
    ["kill", "kill", ["shop-web", "shop-db"], "stopped"],
    ["start", "start", ["shop-db", "shop-web"], "running"],
    ["stop", "stop", ["shop-web", "shop-db"], "stopped"],
    ["restart", "start", ["shop-db", "shop-web"], "running"],
    ["restart", "stop", ["shop-web", "shop-db"], "running"],
  ] as const) {
    const from = lab.callCount;
    const said = await lab.zonelet(verb, "shop");
    expect(said, verb).toMatchObject({ status: 0, stdout: "shop\n" });
    if (verb === "kill") await lab.zonelet("wait", "shop-web", "shop-db");
    expect(await order(platform, from), verb).toEqual(expected);
    expect(await zones(), verb).toEqual([`shop-db ${state}`, `shop-web ${state}`]);
  }
  expect(await lab.zonelet("stop", "shop-web")).toMatchObject({ status: 0 });
  expect(await zones()).toEqual(["shop-db running", "shop-web stopped"]);
  expect(await lab.zonelet("stop", "group/nobody")).toMatchObject({ status: 3 });
  expect(await lab.zonelet("rm", "-f", "shop")).toMatchObject({ status: 0 });
  expect(await zones()).toEqual([]);
});

test("a create of which one container fails leaves none", async () => {
  const bad = SHOP.replace(
    "web: {image",
    "web: {restart: always, tmpfs: [/tmp], volumes: [/data/none:/x], image",
  ).replace("volumes: [data:/d], depends_on", "depends_on");
  const create = await lab.zonelet("create", "-f", write("bad.yaml", bad));
  expect(create).toMatchObject({ status: 5 });
  expect(create.stderr).toContain("create shop: failed");
  expect(create.stderr).toContain("volume source /data/none does not exist");
  expect(create.stderr).toContain("undone: 1 containers");
  expect(await zones()).toEqual([]);
  expect(lab.records()).toEqual([]);
});

test("a project of one service is a group, too", async () => {
  const file = write("one.yaml", 'name: one\nservices: {web: {image: "demo:1", command: [sleep, "3600"]}}\n');
  expect(await lab.zonelet("run", "-d", "-f", file)).toMatchObject({ status: 0 });
  expect(await lab.zonelet("stop", "one")).toMatchObject({ status: 0 });
  expect(await zones()).toEqual(["one-web stopped"]);
  expect(await lab.zonelet("rm", "one")).toMatchObject({ status: 0 });
  expect(await lab.zonelet("run", "-d", "--name", "mine", "-f", file)).toMatchObject({ status: 0 });
  expect(await zones()).toEqual(["mine running"]);
  expect(await lab.zonelet("rm", "-f", "one")).toMatchObject({ status: 0 });
  expect(await zones()).toEqual([]);
});

test("apply -R takes directories below; delete -f removes what was made of them, and nothing else", async () => {
  const top = join(lab.work, "all");
  mkdirSync(join(top, "deep/.hidden"), { recursive: true });
  write("all/a.yaml", 'image: demo:1\nname: a\ncommand: [sleep, "3600"]\n');
  write("all/deep/shop.yml", SHOP);
  write("all/deep/.hidden/x.yaml", "not: read");
  expect((await lab.zonelet("apply", "-f", top)).stdout).toBe("a created\n");
  expect((await lab.zonelet("apply", "-R", "-f", top)).stdout).toBe("a unchanged\nshop-db created\nshop-web created\n");

  // Somebody's own in the place of one that was declared.
  expect(await lab.zonelet("rm", "-f", "a")).toMatchObject({ status: 0 });
  expect(await lab.zonelet("run", "-d", "--name", "a", "demo:1", "sleep", "99")).toMatchObject({ status: 0 });
  const refused = await lab.zonelet("delete", "-R", "-f", top);
  expect(refused).toMatchObject({ status: 5, stdout: "" });
  expect(refused.stderr).toContain('container "a" was not made from');
  expect(await zones()).toEqual(["a running", "shop-db running", "shop-web running"]);

  expect(await lab.zonelet("rm", "-f", "a")).toMatchObject({ status: 0 });
  const from = lab.callCount;
  expect(await lab.zonelet("delete", "-R", "-f", top)).toMatchObject({
    status: 0,
    stdout: "shop-web deleted\nshop-db deleted\na not there\n",
  });
  expect(lab.calls(from).filter(({ args }) => args[0] === "stop")).toHaveLength(2);
  expect(await lab.zonelet("delete", "-f", join(top, "deep"))).toMatchObject({
    status: 0,
    stdout: "shop-web not there\nshop-db not there\n",
  });
  expect(lab.zoneUuids()).toEqual([]);
  expect(lab.records()).toEqual([]);
  expect((await lab.zonelet("volume", "ls", "-q")).stdout).toBe("shop_data\n");
});
