// Snapshots and differences of a real container, driven through the command line.
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

async function zonelet(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await lab.zonelet(...args);
  expect(status, stderr).toBe(0);
  return stdout;
}

const SCRIPT = `
  echo x > /etc/added; echo more >> /etc/group; rm /etc/passwd; chmod 700 /srv/greeting; mv /bin/wc /bin/count
  mkdir "/made of it"; echo y > "/made of it/é"; mkdir /gone; echo z > /gone/file; rm -r /gone
  echo done; sleep 300`;

test("diff, snapshot, rollback", async () => {
  await zonelet("run", "-d", "--name", "web", "demo:1", "sh", "-c", SCRIPT);
  expect(await zonelet("snapshot", "create", "web", "before")).toMatch(/@before\n$/);
  await expect.poll(() => zonelet("logs", "web"), { timeout: 10_000 }).toContain("done");

  // What \`docker diff\` lists after the same script, in the order of paths.
  expect(await zonelet("diff", "web")).toBe(
    ["A /made of it", "A /made of it/é", "C /bin", "A /bin/count", "D /bin/wc", "C /etc", "A /etc/added", "C /etc/group", "D /etc/passwd", "C /srv", "C /srv/greeting"]
      .map((line) => ({ line, path: line.slice(2) }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
      .map(({ line }) => `${line}\n`)
      .join(""),
  ); // prettier-ignore
  expect(await zonelet("diff", "--all", "web")).toContain("A /etc/resolv.conf\n");

  const list = await zonelet("snapshot", "ls", "-o", "json");
  const rows = JSON.parse(list) as { name: string; parent: string; kind: string; of: string }[];
  const root = rows.find(({ kind }) => kind === "active");
  expect(root?.of).toBe("web");
  const layers = rows.filter(({ of }) => of === "image");
  expect(layers).toHaveLength(2);
  expect(layers.map(({ name }) => name)).toContain(root?.parent);
  expect(rows.find(({ name }) => name === `${root?.name ?? ""}@before`)).toMatchObject({
    kind: "committed",
    of: "web",
    parent: root?.parent,
  });
  expect(JSON.parse(await zonelet("snapshot", "ls", "-o", "json", "-f", "kind==active"))).toHaveLength(1);
  expect((await zonelet("snapshot", "ls", "web")).split("\n")).toHaveLength(4);

  const timid = await lab.zonelet("snapshot", "rollback", "web", "before");
  expect(timid).toMatchObject({ status: 2 });
  expect(timid.stderr).toContain("say --yes");
  await zonelet("snapshot", "rollback", "--yes", "web", "before");
  expect(await zonelet("snapshot", "rm", "web", "before")).toMatch(/@before\n$/);
  await zonelet("rm", "-f", "web");
});

test("what is wrong is said", async () => {
  await zonelet("create", "--name", "still", "demo:1");
  for (const [args, status, words] of [
    [["snapshot", "create", "still", "a/b"], 2, '"a/b" cannot name a snapshot'],
    [["snapshot", "rm", "still", "none"], 3, 'it has no snapshot "none"'],
    [["snapshot", "diff", "still", "none"], 3, 'still has no snapshot "none"'],
    [["diff", "nobody"], 3, 'no container "nobody"'],
    [["snapshot", "ls", "-f", "kind=active"], 2, "unsupported operator"],
  ] as const) {
    const outcome = await lab.zonelet(...args);
    expect(outcome.stderr, args.join(" ")).toContain(words);
    expect(outcome.status, args.join(" ")).toBe(status);
  }
  expect((await lab.zonelet("snapshot", "create", "still", "twice")).status).toBe(0);
  expect((await lab.zonelet("snapshot", "create", "still", "twice")).status).toBe(4);
});
