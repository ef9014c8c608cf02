// kstat(8): the statistics of zones that agents read, from /proc, as `module:instance:name:statistic<TAB>value`. The
// statistics are those of dockerinit.md 9.6 and events-and-filters.md; in which module a name is, and how links are
// called, the references do not say (agent/labhost/README.md, "kstat").
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { EmulatedCommand } from "../command.ts";
import { readState, recordedZones } from "../runtime/zone-state.ts";
import { loadVm } from "../zone-store.ts";

const USAGE = "Usage:\nkstat -p [ module[:instance[:name[:statistic]]] ... ]\n";
const MIB = 1024 * 1024;
/** The kernel's unit of CPU time in /proc, on every architecture of ours. */
const TICK_NS = 10_000_000;
const PAGE = 4096;

type Row = readonly [module: string, instance: number, name: string, statistic: string, value: string | number];

export const kstat: EmulatedCommand = ({ lab, args, out, err }) => {
  const [flag, ...operands] = args;
  if (flag !== "-p" || operands.some((one) => one.startsWith("-"))) {
    err(USAGE);
    return Promise.resolve(2);
  }
  const rows = recordedZones(lab).flatMap((uuid): Row[] => {
    const state = readState(lab, uuid);
    const vm = loadVm(lab, uuid);
    if (state?.init === undefined || vm === undefined) return [];
    return zoneRows(uuid, state.zoneid, state.init.pid, {
      memory: Number(vm["max_physical_memory"] ?? 0) * MIB,
      swap: Number(vm["max_swap"] ?? 0) * MIB,
      lwps: Number(vm["max_lwps"] ?? 0),
    });
  });
  const chosen = rows.filter((row) => operands.length === 0 || operands.some((operand) => matches(operand, row)));
  out(
    chosen.map(([module, instance, name, key, value]) => `${module}:${instance}:${name}:${key}\t${value}\n`).join(""),
  );
  // As the platform's: nothing that matches is a failure.
  return Promise.resolve(chosen.length === 0 ? 1 : 0);
};

/** An empty or missing part stands for anything. */
function matches(operand: string, row: Row): boolean {
  return operand.split(":").every((part, index) => part === "" || part === String(row[index]));
}

function zoneRows(
  uuid: string,
  zoneid: number,
  init: number,
  caps: { readonly memory: number; readonly swap: number; readonly lwps: number },
): Row[] {
  const total = { user: 0, sys: 0, rss: 0, anon: 0, lwps: 0, read: 0, written: 0 };
  for (const pid of processesBeside(init)) {
    const one = processOf(pid);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += one[key];
  }
  // The platform cuts names of statistics.
  const name = uuid.slice(0, 30);
  return [
    ["zones", zoneid, name, "nsec_sys", total.sys],
    ["zones", zoneid, name, "nsec_user", total.user],
    ["zones", zoneid, name, "nsec_waitrq", 0],
    ["zones", zoneid, name, "zonename", uuid],
    ["memory_cap", zoneid, name, "anon_alloc_fail", 0],
    ["memory_cap", zoneid, name, "nover", 0],
    ["memory_cap", zoneid, name, "physcap", caps.memory],
    ["memory_cap", zoneid, name, "rss", total.rss],
    ["memory_cap", zoneid, name, "swap", total.anon],
    ["memory_cap", zoneid, name, "swapcap", caps.swap],
    ["memory_cap", zoneid, name, "zonename", uuid],
    ["caps", zoneid, `lwps_zone_${zoneid}`, "usage", total.lwps],
    ["caps", zoneid, `lwps_zone_${zoneid}`, "value", caps.lwps],
    ["zone_vfs", zoneid, name, "nread", total.read],
    ["zone_vfs", zoneid, name, "nwritten", total.written],
    ...linkRows(zoneid, init),
  ];
}

/** Every process of the pid namespace that `init` is the first of. */
function processesBeside(init: number): number[] {
  const space = namespaceOf(init);
  if (space === undefined) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => namespaceOf(pid) === space);
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function processOf(pid: number) {
  const stat = read(pid, "stat");
  // The name in parentheses may hold anything; fields are counted after it, from the state (field 3) on.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return {
    // With what ended children of it have used.
    user: (field(14) + field(16)) * TICK_NS,
    sys: (field(15) + field(17)) * TICK_NS,
    lwps: field(20),
    rss: field(24) * PAGE,
    anon: (valueIn(read(pid, "status"), "RssAnon") + valueIn(read(pid, "status"), "VmSwap")) * 1024,
    read: valueIn(read(pid, "io"), "rchar"),
    written: valueIn(read(pid, "io"), "wchar"),
  };
}

function linkRows(zoneid: number, init: number): Row[] {
  return read(init, "net/dev")
    .split("\n")
    .flatMap((line): Row[] => {
      const [, nic, numbers] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
      if (nic === undefined || nic === "lo" || numbers === undefined) return [];
      const columns = numbers.split(/\s+/);
      const link = `z${zoneid}_${nic}`;
      return [
        ["link", 0, link, "obytes64", columns[8] ?? 0],
        ["link", 0, link, "rbytes64", columns[0] ?? 0],
      ];
    });
}

function valueIn(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** Empty for a process that has ended meanwhile. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(join("/proc", String(pid), file), "utf8");
  } catch {
    return "";
  }
}
