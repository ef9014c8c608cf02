// Zones that run: a supervisor process per zone (the lab's zoneadmd) owns its namespaces, its log and its end.
// This file is the door for the vmadm, zoneadm and zlogin emulations; the supervisor itself is `zoneadmd.ts`.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { compileCache, type Lab } from "./lab.ts";
import { programCommand } from "./program.ts";
import { removeLeftovers } from "./runtime/leftovers.ts";
import { isAlive, signalProcess } from "./runtime/process-identity.ts";
import { dropsLethalSignal } from "./runtime/signals.ts";
import { readRecordedState, readState, signalFile } from "./runtime/zone-state.ts";

/** `zone_state` of vmadm.md 10 as the kernel would tell it; a zone without supervisor is `installed`. */
export interface ZoneRuntime {
  readonly zoneState: "installed" | "ready" | "running" | "shutting_down" | "down";
  readonly zoneid: number | undefined;
  /** Pid of init as seen from the machine. */
  readonly pid: number | undefined;
  /** Whole seconds, ISO 8601. */
  readonly bootTimestamp: string | undefined;
}

const NOT_BOOTED: ZoneRuntime = { zoneState: "installed", zoneid: undefined, pid: undefined, bootTimestamp: undefined };
/** Init is gone, the zone is still going down (vmadm.md 11). */
const NO_INIT = 4_294_967_295;

const HALT_DEADLINE_MS = 30_000;
const POLL_MS = 5;

/**
 * `zoneadm boot`: resolves once the zone runs (or its init has already ended); rejects with the text zoneadm would print.
 * The zone goes on when the caller ends, whatever it dies of.
 */
export async function bootZone(lab: Lab, uuid: string): Promise<void> {
  mkdirSync(lab.own("runtime/zones"), { recursive: true, mode: 0o700 });
  const complaints = openSync(lab.own("runtime/zoneadmd.err"), "a", 0o600);
  const [program, ...args] = programCommand("--zoneadmd", uuid);
  const supervisor = spawn(program, args, {
    detached: true,
    cwd: "/",
    stdio: ["ignore", complaints, complaints, "pipe"],
    env: { NODE_COMPILE_CACHE: compileCache(lab.root), ...process.env, LABHOST_ROOT: lab.root },
  });
  closeSync(complaints);
  supervisor.unref();
  const report = supervisor.stdio[3] as Readable;
  const line = await firstLine(report);
  report.destroy();
  if (line !== "running") throw new Error(line?.replace(/^error /, "") ?? `zone '${uuid}': its zoneadmd died`);
}

async function firstLine(stream: Readable): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream })) return line;
  return undefined;
}

/** `zoneadm halt -X`: everything in the zone is killed, lastexited says -1. Resolves when the zone is down. False: it was halted already. */
export async function haltZone(lab: Lab, uuid: string): Promise<boolean> {
  const state = readState(lab, uuid);
  if (!state) {
    await removeLeftovers(lab, uuid);
    return false;
  }
  const wasUp = state.zoneState === "ready" || state.zoneState === "running";
  if (wasUp) signalProcess(state.supervisor, "SIGTERM");
  const deadline = performance.now() + HALT_DEADLINE_MS;
  while (isAlive(state.supervisor) && readRecordedState(lab, uuid)?.zoneid === state.zoneid) {
    if (performance.now() > deadline) signalProcess(state.supervisor, "SIGKILL");
    await sleep(POLL_MS);
  }
  await removeLeftovers(lab, uuid);
  return wasUp;
}

/**
 * Sends a signal (name with SIG) to init. False: no running init. What would end a process on illumos ends init here, too,
 * unless `LABHOST_INIT_SIGNALS=linux` asks for the behaviour of a Linux PID 1.
 */
export function signalInit(lab: Lab, uuid: string, signal: NodeJS.Signals): Promise<boolean> {
  const state = readState(lab, uuid);
  if (state?.zoneState !== "running" || !isAlive(state.init)) return Promise.resolve(false);
  const init = state.init;
  if (init === undefined) return Promise.resolve(false);
  if (init.pid === state.supervisor.pid) {
    // dockerinit has no handlers.
    if (dropsLethalSignal("", signal) || signal === "SIGKILL") {
      writeFileSync(signalFile(lab, uuid), signal);
      signalProcess(init, "SIGTERM");
    }
    return Promise.resolve(true);
  }
  if (process.env["LABHOST_INIT_SIGNALS"] !== "linux" && dropsLethalSignal(statusText(init.pid), signal)) {
    writeFileSync(signalFile(lab, uuid), signal);
    return Promise.resolve(signalProcess(init, "SIGKILL"));
  }
  return Promise.resolve(signalProcess(init, signal));
}

function statusText(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

/** What is true right now; a supervisor that died without cleaning up counts as a zone that is not running. */
export function zoneRuntime(lab: Lab, uuid: string): ZoneRuntime {
  const state = readState(lab, uuid);
  if (!state || state.zoneState === "installed") return NOT_BOOTED;
  const up = state.zoneState === "running" && isAlive(state.init);
  return {
    zoneState: state.zoneState,
    zoneid: state.zoneid,
    pid: up ? state.init?.pid : state.zoneState === "ready" ? undefined : NO_INIT,
    bootTimestamp: state.bootTimestamp,
  };
}
