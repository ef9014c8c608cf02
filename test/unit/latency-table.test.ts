import { expect, test } from "vitest";
import { LatencyTable } from "../../agent/util/latency-table.ts";

test("counts all, tells percentiles of the last few hundred", () => {
  const table = new LatencyTable();
  for (let ms = 1; ms <= 100; ms++) table.record("vmadm list", ms, ms > 98);
  table.record("a", 0.26, false);
  expect(Object.keys(table.report())).toEqual(["a", "vmadm list"]);
  expect(table.report()).toEqual({
    a: { count: 1, failed: 0, p50Ms: 0.3, p95Ms: 0.3, maxMs: 0.3 },
    "vmadm list": { count: 100, failed: 2, p50Ms: 51, p95Ms: 96, maxMs: 100 },
  });
  for (let i = 0; i < 1000; i++) table.record("vmadm list", 5, false);
  expect(table.report()["vmadm list"]).toEqual({ count: 1100, failed: 2, p50Ms: 5, p95Ms: 5, maxMs: 5 });
});
