import { expect, test } from "vitest";
import { sparkline } from "../../agent/cli/stats-command.ts";
import { cpuPercent, parseZoneStatistics } from "../../agent/zones/stats.ts";

const A = "0a1b2c3d-1111-2222-3333-444455556666";
const text = (zoneid: number, ns: number): string =>
  [
    `zones:${zoneid}:${A.slice(0, 30)}:zonename\t${A}`,
    `zones:${zoneid}:${A.slice(0, 30)}:nsec_user\t${ns}`,
    `zones:${zoneid}:${A.slice(0, 30)}:nsec_sys\t1000`,
    `memory_cap:${zoneid}:x:rss\t4096`,
    `caps:${zoneid}:lwps_zone_${zoneid}:usage\t3`,
    `caps:${zoneid}:cpucaps_zone_${zoneid}:usage\t77`,
    `link:0:z${zoneid}_net0:rbytes64\t10`,
    `link:0:z${zoneid}_net1:rbytes64\t20`,
    "link:0:igb0:rbytes64\t99",
    "zones:0:global:zonename\tglobal",
    "not a line",
    "zone_vfs:x:y:nread\t1",
    `zone_vfs:${zoneid}:y:nread\tmany`,
    "",
  ].join("\n");

test("reads what belongs to a zone, sums its links, and leaves out what is missing or no number", () => {
  const zones = parseZoneStatistics(text(5, 1));
  expect([...zones.keys()]).toEqual([A]);
  expect(zones.get(A)).toMatchObject({ zoneid: 5, cpuNs: 1001, memory: 4096, lwps: 3, received: 30 });
  expect(zones.get(A)?.bytesRead).toBeUndefined();
  expect(zones.get(A)?.memoryCap).toBeUndefined();
});

test("CPU is the difference of two samples of one boot", () => {
  const at = (ms: number, zoneid: number, ns: number) => ({ at: ms, zones: parseZoneStatistics(text(zoneid, ns)) });
  expect(cpuPercent(at(0, 5, 0), at(1000, 5, 500_000_000), A)).toBeCloseTo(50);
  expect(cpuPercent(at(0, 5, 0), at(1000, 6, 500_000_000), A)).toBeUndefined();
  expect(cpuPercent(undefined, at(1000, 6, 1), A)).toBeUndefined();
});

test("a sparkline has a bar for each sample", () => {
  expect(sparkline([0, 50, 100])).toBe("▁▅█");
  expect(sparkline([0, 400])).toBe("▁█");
});
