// How a run ended, where the platform's number alone does not tell: a halt from the global zone reads as 0 (dockerinit.md
// 5.1), and right after an end the fields may still be the previous run's (vmadm.md 11).
import { readFileSync } from "node:fs";
import type { HostPaths } from "../host/paths.ts";
import { exitStatus, type ExitStatus } from "../vmadm/exit-status.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { hasEnded } from "./observe.ts";
import type { ZoneRecord } from "./record.ts";

/** What zoneadmd writes for a halt from outside. */
const HALTED = -1;
/** The platform's number for SIGKILL. */
const KILLED = -9;
/** `lastexited` has microseconds without their leading zeros: the time may be off by up to a second. */
const TOLERANCE_MS = 1_500;

/** True where the container was ended by our SIGKILL although `exit_status` says 0. */
export function wasKilled(vm: VmObject, record: ZoneRecord | undefined, paths: HostPaths): boolean {
  if (record?.killed === undefined || vm.exit_status !== 0 || vm.exit_timestamp === undefined) return false;
  const { from, until } = record.killed;
  const at = Date.parse(vm.exit_timestamp);
  if (at < Date.parse(from) - TOLERANCE_MS) return false;
  if (until !== undefined && at > Date.parse(until) + TOLERANCE_MS) return false;
  const raw = readLastExited(vm, paths);
  return raw === undefined || raw === HALTED;
}

/** In Docker's numbers; undefined while it runs, and where nothing is told. */
export function knownExit(vm: VmObject, record: ZoneRecord | undefined, paths: HostPaths): ExitStatus | undefined {
  if (vm.exit_status === undefined) return undefined;
  return exitStatus(wasKilled(vm, record, paths) ? KILLED : vm.exit_status);
}

/**
 * Asks whether a container that is being watched has ended for good: an end that lies before the last start seen is the
 * previous run's.
 */
export function createEndGuard(): (vm: VmObject) => boolean {
  let bootedMs = -Infinity;
  return (vm) => {
    if (vm.state === "running" && vm.boot_timestamp !== undefined) bootedMs = Date.parse(vm.boot_timestamp);
    if (!hasEnded(vm)) return false;
    return vm.exit_timestamp === undefined || !(Date.parse(vm.exit_timestamp) < bootedMs);
  };
}

/** The wait status in the zone's `lastexited`, which the zone itself cannot write. */
function readLastExited(vm: VmObject, paths: HostPaths): number | undefined {
  try {
    const text = readFileSync(paths.inGlobalZone(`${vm.zonepath}/lastexited`), "utf8");
    const match = /^\d+\.\d+ (-?\d+)\n?$/.exec(text);
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}
