// SIGKILL of `rename` at every external effect, then the same command again: one zone, one name, one record. The lab host
// kills its caller at a failpoint and goes on with its own work, as vmadm would.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
  expect(await lab.zonelet("create", "--name", "n0", "demo:1")).toMatchObject({ status: 0 });
});
afterAll(() => lab.destroy());

const POINTS = [
  "vmadm.lookup.begin",
  "vmadm.lookup.end",
  "vmadm.update.begin",
  "vmadm.update.parsed",
  "vmadm.update.planned",
  "vmadm.update.applied",
];

const recorded = (): unknown[] =>
  lab.records().map((file): unknown => JSON.parse(readFileSync(join(lab.root, "var/db/zonelet/zones", file), "utf8")));
const alias = async (): Promise<string> => (await lab.platform("vmadm", "list", "-H", "-o", "alias")).stdout;

test.each(POINTS.map((point, i) => ({ point, from: `n${i}`, to: `n${i + 1}` })))(
  "killed at $point",
  async ({ point, from, to }) => {
    const killed = await lab.run(["rename", from, to], { env: { LABHOST_FAILPOINTS: `${point}=1*killparent->off` } });
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(await lab.zonelet("rename", from, to)).toMatchObject({ status: 0, stdout: `${to}\n` });
    expect(await alias()).toBe(`${to}\n`);
    expect(recorded()).toMatchObject([{ name: to, renamedFrom: from }]);
  },
);

test("between a killed rename and its repeat the old name is nobody's: not removed by it, and free", async () => {
  const last = `n${POINTS.length}`;
  const killed = await lab.run(["rename", last, "kept"], {
    env: { LABHOST_FAILPOINTS: "vmadm.update.end=1*killparent->off" },
  });
  expect(killed).toMatchObject({ signal: "SIGKILL" });
  expect(recorded()).toMatchObject([{ name: last }]);
  expect(await lab.zonelet("rm", "-f", last)).toMatchObject({ status: 3 });
  expect(await lab.zonelet("create", "--name", last, "demo:1")).toMatchObject({ status: 0 });
  expect((await alias()).split("\n").filter(Boolean).toSorted()).toEqual(["kept", last].toSorted());
  expect(await lab.zonelet("rm", "kept", last)).toMatchObject({ status: 0 });
  expect(lab.records()).toEqual([]);
});
