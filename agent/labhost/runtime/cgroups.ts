// Resource caps of a zone by control groups, version 1 or 2, as far as the machine grants them. What it does not grant is
// told, never pretended.
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../lab.ts";
import type { LabVm } from "../lab-vm.ts";

export type Controller = "memory" | "cpu" | "pids";
const CONTROLLERS: readonly Controller[] = ["memory", "cpu", "pids"];

export interface Hierarchy {
  readonly version: 1 | 2;
  readonly directory: string;
}

/** Undefined: the machine does not grant the controller. */
export type Granted = Readonly<Record<Controller, Hierarchy | undefined>>;

export interface Caps {
  readonly memoryBytes: number | undefined;
  /** Memory and swap together. */
  readonly swapBytes: number | undefined;
  /** Percent of one CPU. */
  readonly cpuPercent: number | undefined;
  readonly cpuShares: number | undefined;
  readonly processes: number | undefined;
}

export interface ZoneCgroup {
  /** `cgroup.procs` files a process of the zone writes itself into. */
  readonly procs: readonly string[];
  /** One sentence per cap that could not be set. */
  readonly notGranted: readonly string[];
}

const MIB = 1024 * 1024;

export function zoneCaps(vm: LabVm): Caps {
  const number = (name: string): number | undefined => {
    const value = vm[name];
    return typeof value === "number" && value > 0 ? value : undefined;
  };
  const mib = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * MIB);
  const memory = number("max_physical_memory");
  const swap = number("max_swap");
  return {
    memoryBytes: mib(memory),
    swapBytes: mib(swap === undefined ? undefined : Math.max(swap, memory ?? 0)),
    cpuPercent: number("cpu_cap"),
    cpuShares: number("cpu_shares"),
    processes: number("max_lwps"),
  };
}

/** `mounts` is the text of /proc/self/mounts. */
export function findHierarchies(mounts: string): Granted {
  const granted: Record<Controller, Hierarchy | undefined> = { memory: undefined, cpu: undefined, pids: undefined };
  for (const line of mounts.split("\n")) {
    const [, directory, type, options] = line.split(" ");
    if (directory === undefined || options === undefined) continue;
    if (type === "cgroup")
      for (const controller of CONTROLLERS)
        if (options.split(",").includes(controller)) granted[controller] = { version: 1, directory };
    if (type === "cgroup2")
      for (const controller of unifiedControllers(directory)) granted[controller] ??= { version: 2, directory };
  }
  return granted;
}

function unifiedControllers(directory: string): Controller[] {
  try {
    const names = readFileSync(join(directory, "cgroup.controllers"), "utf8").trim().split(" ");
    return CONTROLLERS.filter((controller) => names.includes(controller));
  } catch {
    return [];
  }
}

/** What this process may use right now. */
export function grantedControllers(): Granted {
  const found = findHierarchies(readFileSync("/proc/self/mounts", "utf8"));
  const usable = (hierarchy: Hierarchy | undefined): Hierarchy | undefined =>
    hierarchy && isWritable(hierarchy.directory) ? hierarchy : undefined;
  return { memory: usable(found.memory), cpu: usable(found.cpu), pids: usable(found.pids) };
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Groups of different labs on one machine do not meet. */
function groupOf(lab: Lab): string {
  return `zonelet-lab-${createHash("sha256").update(lab.root).digest("hex").slice(0, 8)}`;
}

function zoneDirectories(lab: Lab, uuid: string): { hierarchy: Hierarchy; controllers: Controller[]; path: string }[] {
  const byDirectory = new Map<string, { hierarchy: Hierarchy; controllers: Controller[]; path: string }>();
  const granted = grantedControllers();
  for (const controller of CONTROLLERS) {
    const hierarchy = granted[controller];
    if (!hierarchy) continue;
    const entry = byDirectory.get(hierarchy.directory) ?? {
      hierarchy,
      controllers: [],
      path: join(hierarchy.directory, groupOf(lab), uuid),
    };
    entry.controllers.push(controller);
    byDirectory.set(hierarchy.directory, entry);
  }
  return [...byDirectory.values()];
}

/** Makes the zone's groups and sets its caps. Never throws: a cap that fails is reported in the result. */
export function createZoneCgroup(lab: Lab, uuid: string, caps: Caps): ZoneCgroup {
  const procs: string[] = [];
  const notGranted: string[] = [];
  const set = new Set<Controller>();
  for (const { hierarchy, controllers, path } of zoneDirectories(lab, uuid)) {
    try {
      prepare(lab, hierarchy, controllers, path);
      procs.push(join(path, "cgroup.procs"));
    } catch (error) {
      notGranted.push(`${controllers.join(", ")}: ${String(error)}`);
      continue;
    }
    for (const controller of controllers) {
      set.add(controller);
      for (const [file, value] of settings(hierarchy.version, controller, caps, path)) {
        try {
          writeFileSync(join(path, file), value);
        } catch (error) {
          notGranted.push(`${file} = ${value}: ${String(error)}`);
        }
      }
    }
  }
  for (const controller of CONTROLLERS)
    if (!set.has(controller)) notGranted.push(`this machine grants no ${controller} control group`);
  return { procs, notGranted };
}

function prepare(lab: Lab, hierarchy: Hierarchy, controllers: readonly Controller[], path: string): void {
  const parent = join(hierarchy.directory, groupOf(lab));
  mkdirSync(parent, { recursive: true });
  if (hierarchy.version === 2) {
    const enable = controllers.map((controller) => `+${controller}`).join(" ");
    writeFileSync(join(hierarchy.directory, "cgroup.subtree_control"), enable);
    writeFileSync(join(parent, "cgroup.subtree_control"), enable);
  }
  mkdirSync(path, { recursive: true });
}

const CPU_PERIOD_US = 100_000;

/** Files and values, in the order they must be written. */
export function settings(
  version: 1 | 2,
  controller: Controller,
  caps: Caps,
  directory: string,
): [file: string, value: string][] {
  const { memoryBytes, swapBytes, cpuPercent, cpuShares, processes } = caps;
  const quota = cpuPercent === undefined ? undefined : Math.max(1000, Math.round((cpuPercent * CPU_PERIOD_US) / 100));
  switch (controller) {
    case "memory":
      return version === 1 ? memoryV1(memoryBytes, swapBytes, directory) : memoryV2(memoryBytes, swapBytes);
    case "cpu":
      return version === 1
        ? [
            ...entry("cpu.cfs_period_us", quota === undefined ? undefined : CPU_PERIOD_US),
            ...entry("cpu.cfs_quota_us", quota),
            ...entry("cpu.shares", cpuShares === undefined ? undefined : Math.max(2, cpuShares)),
          ]
        : [
            ...entry("cpu.max", quota === undefined ? undefined : `${quota} ${CPU_PERIOD_US}`),
            ...entry("cpu.weight", cpuShares === undefined ? undefined : weightOf(cpuShares)),
          ];
    case "pids":
      return entry("pids.max", processes);
  }
}

function memoryV1(memory: number | undefined, swap: number | undefined, directory: string): [string, string][] {
  const accountsSwap = existsSync(join(directory, "memory.memsw.limit_in_bytes"));
  return [
    ...entry("memory.limit_in_bytes", memory),
    ...(accountsSwap ? entry("memory.memsw.limit_in_bytes", swap ?? memory) : []),
  ];
}

function memoryV2(memory: number | undefined, swap: number | undefined): [string, string][] {
  return [
    ...entry("memory.max", memory),
    ...entry("memory.swap.max", swap === undefined || memory === undefined ? undefined : swap - memory),
  ];
}

function entry(file: string, value: number | string | undefined): [string, string][] {
  return value === undefined ? [] : [[file, String(value)]];
}

/** The kernel's own conversion of version 1 shares (2..262144) to version 2 weights (1..10000). */
function weightOf(shares: number): number {
  return Math.max(1, Math.min(10_000, Math.round(1 + ((shares - 2) * 9999) / 262_142)));
}

/** Files by which a further process joins a running zone's groups; some may be missing. */
export function zoneGroups(lab: Lab, uuid: string): string[] {
  return zoneDirectories(lab, uuid).map(({ path }) => join(path, "cgroup.procs"));
}

/**
 * Kills what is left in the zone's groups and removes them. Waits up to a second for the kernel to let
 * go. The last zone takes the lab's own groups along.
 */
export async function removeZoneCgroup(lab: Lab, uuid: string): Promise<void> {
  for (const { path } of zoneDirectories(lab, uuid)) {
    for (let attempt = 0; existsSync(path) && attempt < 100; attempt++) {
      killMembers(path);
      try {
        rmdirSync(path);
      } catch {
        await sleep(10);
      }
    }
  }
  removeLabCgroups(lab);
}

function killMembers(path: string): void {
  try {
    for (const pid of readFileSync(join(path, "cgroup.procs"), "utf8").split("\n"))
      if (pid !== "") process.kill(Number(pid), "SIGKILL");
  } catch {
    // Ended meanwhile.
  }
}

/** Does nothing while zones are in them. */
export function removeLabCgroups(lab: Lab): void {
  for (const hierarchy of Object.values(grantedControllers())) {
    if (!hierarchy) continue;
    try {
      rmdirSync(join(hierarchy.directory, groupOf(lab)));
    } catch {
      // Never made, in use by other zones, or removed with another controller.
    }
  }
}
