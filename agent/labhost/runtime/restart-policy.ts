// vmadmd's restart policy (dockerinit.md 5.3, vmadm.md 11): decided when a zone has come down, carried out after a delay
// by the same process that supervised it.
import { asObject } from "../plain-object.ts";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../lab.ts";
import type { LabVm } from "../lab-vm.ts";
import { loadVm, setInternalMetadata } from "../zone-store.ts";
import { identify, signalProcess, type ProcessIdentity } from "./process-identity.ts";
import { readState } from "./zone-state.ts";

export interface Restart {
  readonly delayMs: number;
  readonly count: number;
}

export interface LastRun {
  /** Milliseconds; undefined when a record is missing. */
  readonly ranForMs: number | undefined;
  readonly exitStatus: number | undefined;
}

const LONG_RUN_MS = 10_000;
const FIRST_DELAY_MS = 100;
/** How often a waiting restart looks whether anybody still wants it. */
const RECHECK_MS = 1000;

/** Undefined: the zone stays down. `metadata` is the zone's internal_metadata. */
export function decideRestart(metadata: Readonly<Record<string, unknown>>, last: LastRun): Restart | undefined {
  const policy = metadata["docker:restartpolicy"];
  const match = typeof policy === "string" ? /^(always|on-failure)(?::(\d+))?$/.exec(policy) : undefined;
  if (!match || (match[1] === "always" && match[2] !== undefined)) return undefined;
  if (match[1] === "on-failure" && (last.exitStatus === undefined || last.exitStatus === 0)) return undefined;
  const count = Number(metadata["docker:restartcount"] ?? 0);
  const max = Number(match[2] ?? 0);
  if (max > 0 && count >= max) return undefined;
  return { delayMs: restartDelay(metadata["docker:restartdelay"], count, last.ranForMs), count: count + 1 };
}

function restartDelay(recorded: unknown, count: number, ranForMs: number | undefined): number {
  if (ranForMs !== undefined && ranForMs > LONG_RUN_MS) return FIRST_DELAY_MS;
  if (recorded !== undefined) return Number(recorded);
  return FIRST_DELAY_MS * 2 ** count;
}

export function planRestart(lab: Lab, uuid: string): Restart | undefined {
  const vm = loadVm(lab, uuid);
  if (!vm || vm["docker"] !== true || vm["autoboot"] !== true) return undefined;
  return decideRestart(asObject(vm["internal_metadata"]), lastRun(lab, vm));
}

function lastRun(lab: Lab, vm: LabVm): LastRun {
  const exitStatus = vm["exit_status"];
  const time = (name: string): number | undefined =>
    statSync(join(lab.path(vm.zonepath), name), { throwIfNoEntry: false })?.mtimeMs;
  const booted = time("lastbooted");
  const exited = time("lastexited");
  return {
    ranForMs: booted === undefined || exited === undefined ? undefined : exited - booted,
    exitStatus: typeof exitStatus === "number" ? exitStatus : undefined,
  };
}

/**
 * Waits for the delay and records the restart. Resolves to false as soon as nobody wants it any more: the zone is gone or
 * runs, or autoboot was switched off.
 */
export async function restartWhenDue(lab: Lab, uuid: string, restart: Restart): Promise<boolean> {
  recordWaiting(lab, uuid);
  try {
    const due = performance.now() + restart.delayMs;
    for (let left = restart.delayMs; left > 0; left = due - performance.now()) {
      await sleep(Math.min(left, RECHECK_MS));
      if (!isWanted(lab, uuid)) return false;
    }
    if (!isWanted(lab, uuid)) return false;
    await setInternalMetadata(lab, uuid, {
      "docker:restartcount": restart.count,
      "docker:restartdelay": restart.delayMs * 2,
    });
    return true;
  } finally {
    rmSync(waitingFile(lab, uuid), { force: true });
  }
}

function isWanted(lab: Lab, uuid: string): boolean {
  const vm = loadVm(lab, uuid);
  return vm !== undefined && vm["autoboot"] === true && readState(lab, uuid) === undefined;
}

function waitingFile(lab: Lab, uuid: string): string {
  return lab.own("runtime/restarts", `${uuid}.json`);
}

function recordWaiting(lab: Lab, uuid: string): void {
  mkdirSync(lab.own("runtime/restarts"), { recursive: true, mode: 0o700 });
  writeFileSync(waitingFile(lab, uuid), JSON.stringify(identify(process.pid)));
}

/** Ends a process that waits to restart the zone; for zones that are deleted and labs that are destroyed. */
export function cancelRestart(lab: Lab, uuid: string): void {
  try {
    signalProcess(JSON.parse(readFileSync(waitingFile(lab, uuid), "utf8")) as ProcessIdentity, "SIGKILL");
  } catch {
    // Nobody waits.
  }
  rmSync(waitingFile(lab, uuid), { force: true });
}

/** Zones somebody waits to restart. */
export function waitingRestarts(lab: Lab): string[] {
  try {
    return readdirSync(lab.own("runtime/restarts")).map((name) => name.replace(/\.json$/, ""));
  } catch {
    return [];
  }
}
