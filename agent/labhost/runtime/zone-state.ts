// What supervisors tell the other commands: one small JSON file per booted zone in lab/runtime/zones. A file whose
// supervisor is gone means nothing; whoever boots the zone next cleans up after it.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Lab } from "../lab.ts";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";

export interface ZoneState {
  readonly supervisor: ProcessIdentity;
  /** `installed`: the zone is down, its supervisor is still emptying the streams into the log. */
  readonly zoneState: "installed" | "ready" | "running" | "shutting_down" | "down";
  readonly zoneid: number;
  /** The app's process; while dockerinit still prepares it, the supervisor, which stands in for dockerinit. */
  readonly init?: ProcessIdentity;
  /** Pid of the process holding the zone's namespaces' entry for `nsenter`; absent while dockerinit prepares. */
  readonly entered?: boolean;
  readonly bootTimestamp?: string;
}

export function stateFile(lab: Lab, uuid: string): string {
  return lab.own("runtime/zones", `${uuid}.json`);
}

/** Scratch directory of one boot: FIFOs, mount tables, sockets' short names. */
export function scratchDirectory(lab: Lab, uuid: string): string {
  return lab.own("runtime/zones", `${uuid}.d`);
}

/** Names the signal that a SIGKILL (or a halt during dockerinit) stands for. */
export function signalFile(lab: Lab, uuid: string): string {
  return join(scratchDirectory(lab, uuid), "signal");
}

export function writeState(lab: Lab, uuid: string, state: ZoneState): void {
  const file = stateFile(lab, uuid);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

export function removeState(lab: Lab, uuid: string): void {
  rmSync(stateFile(lab, uuid), { force: true });
}

/** The last word of a supervisor, alive or not. */
export function readRecordedState(lab: Lab, uuid: string): ZoneState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile(lab, uuid), "utf8");
  } catch {
    return undefined;
  }
  return JSON.parse(text) as ZoneState;
}

/** Undefined for a zone without a living supervisor. */
export function readState(lab: Lab, uuid: string): ZoneState | undefined {
  const state = readRecordedState(lab, uuid);
  return state !== undefined && isAlive(state.supervisor) ? state : undefined;
}

/** uuids with a record, stale ones included. */
export function recordedZones(lab: Lab): string[] {
  try {
    return readdirSync(lab.own("runtime/zones"))
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -".json".length));
  } catch {
    return [];
  }
}
