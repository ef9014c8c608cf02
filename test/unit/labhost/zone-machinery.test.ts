// The pure parts of what a zone is made of: ip(8) batches, control group settings.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findHierarchies, settings, zoneCaps } from "../../../agent/labhost/runtime/cgroups.ts";
import { parseIpErrors } from "../../../agent/labhost/runtime/ip-command.ts";
import { bridgeName, innerBatch, outerBatch, zoneNics } from "../../../agent/labhost/runtime/network.ts";

const vm = {
  uuid: "u",
  zonepath: "/zones/u",
  nics: [
    {
      interface: "eth0",
      mac: "02:00:00:00:00:01",
      nic_tag: "admin",
      ips: ["10.0.0.2/24", "addrconf"],
      gateway: "10.0.0.1",
      primary: true,
    },
    {
      interface: "eth1",
      nic_tag: "a_tag_with_a_rather_long_name__",
      vlan_id: 7,
      ips: ["dhcp", "fd00::2/64"],
      gateway: "x;y",
    },
  ],
};

test("the outer side: a bridge per tag and VLAN, a pair per nic", () => {
  const other = bridgeName("a_tag_with_a_rather_long_name__", 7);
  expect(outerBatch(zoneNics(vm), 12, 4711).split("\n")).toEqual([
    `link add name ${bridgeName("admin", 0)} type bridge`,
    `link set ${bridgeName("admin", 0)} up`,
    "link add z12n0 type veth peer name eth0 address 02:00:00:00:00:01 netns 4711",
    `link set z12n0 master ${bridgeName("admin", 0)} up`,
    `link add name ${other} type bridge`,
    `link set ${other} up`,
    "link add z12n1 type veth peer name eth1 netns 4711",
    `link set z12n1 master ${other} up`,
    "",
  ]);
  expect(other.length).toBeLessThanOrEqual(15);
  expect(bridgeName("admin", 1)).not.toBe(bridgeName("admin", 0));
});

test("the inner side: addresses, default route, static routes", () => {
  const routes = { "10.1.0.0/16": "10.0.0.9", "10.2.0.0/16": "nics[1]", "10.3.0.0/16": "$(reboot)", "x y": "10.0.0.1" };
  expect(innerBatch(zoneNics(vm), routes).split("\n")).toEqual([
    "link set lo up",
    "link set eth0 up",
    "addr add 10.0.0.2/24 dev eth0",
    "link set eth1 up",
    "addr add fd00::2/64 nodad dev eth1",
    "route add default via 10.0.0.1 dev eth0 onlink",
    "route add 10.1.0.0/16 via 10.0.0.9",
    "route add 10.2.0.0/16 dev eth1",
    "",
  ]);
  expect(() => innerBatch(zoneNics({ ...vm, nics: [{ interface: "eth0 up\nlink del lo" }] }), {})).toThrow(
    "not a word",
  );
});

test("ip(8) may complain of what exists", () => {
  expect(parseIpErrors("RTNETLINK answers: File exists\nCommand failed -:1\nCannot find device\n")).toEqual([
    "Cannot find device",
  ]);
});

test("hierarchies of both versions are found; version 1 wins where it has the controller", () => {
  const mounts = [
    "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu,cpuacct 0 0",
    "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0",
    "tmpfs /run tmpfs rw 0 0",
  ].join("\n");
  expect(findHierarchies(mounts)).toEqual({
    cpu: { version: 1, directory: "/sys/fs/cgroup/cpu" },
    memory: { version: 1, directory: "/sys/fs/cgroup/memory" },
    pids: undefined,
  });
});

test("a machine with version 2 alone grants what its root's cgroup.controllers names", () => {
  const directory = mkdtempSync(join(tmpdir(), "zl-cg-"));
  try {
    writeFileSync(join(directory, "cgroup.controllers"), "cpuset cpu io memory hugetlb pids rdma\n");
    const two = { version: 2, directory };
    expect(findHierarchies(`cgroup2 ${directory} cgroup2 rw,nosuid 0 0\n`)).toEqual({
      cpu: two,
      memory: two,
      pids: two,
    });
    writeFileSync(join(directory, "cgroup.controllers"), "\n");
    const none = { cpu: undefined, memory: undefined, pids: undefined };
    expect(findHierarchies(`cgroup2 ${directory} cgroup2 rw,nosuid 0 0\n`)).toEqual(none);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("caps become settings of either version", () => {
  const caps = zoneCaps({
    uuid: "u",
    zonepath: "/z",
    max_physical_memory: 64,
    max_swap: 128,
    cpu_cap: 150,
    cpu_shares: 1024,
    max_lwps: 50,
  });
  const all = (version: 1 | 2): Record<string, string> =>
    Object.fromEntries((["memory", "cpu", "pids"] as const).flatMap((name) => settings(version, name, caps, "/none")));
  expect(all(1)).toEqual({
    "memory.limit_in_bytes": "67108864",
    "cpu.cfs_period_us": "100000",
    "cpu.cfs_quota_us": "150000",
    "cpu.shares": "1024",
    "pids.max": "50",
  });
  expect(all(2)).toEqual({
    "memory.max": "67108864",
    "memory.swap.max": "67108864",
    "cpu.max": "150000 100000",
    "cpu.weight": "40",
    "pids.max": "50",
  });
});

test("swap is never below memory, and nothing is set without a cap", () => {
  expect(zoneCaps({ uuid: "u", zonepath: "/z", max_physical_memory: 64, max_swap: 1 }).swapBytes).toBe(
    64 * 1024 * 1024,
  );
  const none = zoneCaps({ uuid: "u", zonepath: "/z" });
  expect(["memory", "cpu", "pids"].flatMap((name) => settings(2, name as "cpu", none, "/none"))).toEqual([]);
});
