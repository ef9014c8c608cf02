// Zones that run: a supervisor process per zone (the lab's zoneadmd) owns its namespaces, its log and its end.
// This file is the door for the vmadm, zoneadm and zlogin emulations; the supervisor itself is `zoneadmd.ts`.
import type { Lab } from "./lab.ts";

/** `zone_state` of vmadm.md 10 as the kernel would tell it; a zone without supervisor is `installed`. */
export interface ZoneRuntime {
  readonly zoneState: "installed" | "ready" | "running" | "shutting_down" | "down";
  readonly zoneid: number | undefined;
  /** Pid of init as seen from the machine. */
  readonly pid: number | undefined;
  /** Whole seconds, ISO 8601. */
  readonly bootTimestamp: string | undefined;
}

/** `zoneadm boot`: resolves once the zone runs (or its init has already ended); rejects with the text zoneadm would print. */
export function bootZone(lab: Lab, uuid: string): Promise<void> {
  return Promise.reject(new Error(`not yet: boot ${uuid} in ${lab.root}`));
}

/** `zoneadm halt -X`: everything in the zone is killed, lastexited says -1. Resolves when the zone is down. False: it was halted already. */
export function haltZone(lab: Lab, uuid: string): Promise<boolean> {
  return Promise.reject(new Error(`not yet: halt ${uuid} in ${lab.root}`));
}

/** Sends a signal (name with SIG) to init. False: no running init. */
export function signalInit(lab: Lab, uuid: string, signal: NodeJS.Signals): Promise<boolean> {
  return Promise.reject(new Error(`not yet: ${signal} to ${uuid} in ${lab.root}`));
}

/** What is true right now; a supervisor that died without cleaning up counts as a zone that is not running. */
export function zoneRuntime(lab: Lab, uuid: string): ZoneRuntime {
  throw new Error(`not yet: ${uuid} in ${lab.root}`);
}
