// The supervisor of one zone, a process of its own: the lab's zoneadmd and, after the zone's end, the part of vmadmd that
// restarts it (dockerinit.md 5.3, 6). Started by `bootZone`; outlives every command.
//   SIGTERM halt   SIGHUP reopen the log   SIGUSR1 rotate it
import { closeSync, existsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { acquireLock, type Lock } from "../util/lock.ts";
import { openLab, type Lab } from "./lab.ts";
import { removeLeftovers } from "./runtime/leftovers.ts";
import { nextZoneid } from "./runtime/zoneid.ts";
import { ensureDeviceTemplate } from "./runtime/devices.ts";
import { openZoneLog } from "./runtime/boot-records.ts";
import { ZoneLife } from "./runtime/zone-life.ts";
import { readState } from "./runtime/zone-state.ts";
import { planRestart, restartWhenDue, type Restart } from "./runtime/restart-policy.ts";
import { loadVm } from "./zone-store.ts";

/** How long a boot waits for the previous life's supervisor to close its log. */
const PREDECESSOR_MS = 10_000;
/** Descriptor on which `bootZone` waits for one line: `running`, or `error <text>`. */
const REPORT_FD = 3;

export async function superviseZone(uuid: string): Promise<number> {
  const lab = openLab();
  const report = once(sendReport);
  try {
    for (;;) {
      const restart = await superviseLife(lab, uuid, report);
      if (!restart || !(await restartWhenDue(lab, uuid, restart))) return 0;
    }
  } catch (error) {
    report(`error ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** Boots the zone and stays until it is down and buried. Resolves to the restart that is due, if any. */
async function superviseLife(lab: Lab, uuid: string, report: (line: string) => void): Promise<Restart | undefined> {
  const lock = await lockZone(lab, uuid);
  try {
    const vm = loadVm(lab, uuid);
    if (!vm) throw new Error(`zone '${uuid}': No such zone configured`);
    if (!existsSync(join(lab.path(vm.zonepath), "root")))
      throw new Error(`zone '${uuid}': must be installed before boot.`);
    await removeLeftovers(lab, uuid);
    ensureDeviceTemplate(lab);
    const platformLog = openZoneLog(lab, vm, "platform.log");
    const onRunning = (): void => report("running");
    const life = new ZoneLife({ lab, vm, zoneid: await nextZoneid(lab), platformLog, onRunning });
    const release = onSignals(life);
    try {
      await life.boot();
      report("running");
      await life.finish();
    } finally {
      release();
      platformLog?.close();
    }
  } finally {
    lock.release();
  }
  return planRestart(lab, uuid);
}

async function lockZone(lab: Lab, uuid: string): Promise<Lock> {
  const path = lab.own("locks", `zoneadmd.${uuid}`);
  const deadline = performance.now() + PREDECESSOR_MS;
  for (;;) {
    const lock = await acquireLock(path, { timeoutMs: 100 });
    if (lock) return lock;
    const state = readState(lab, uuid);
    if ((state && state.zoneState !== "installed") || performance.now() > deadline)
      throw new Error(`zone '${uuid}': zone is already booted`);
  }
}

function onSignals(life: ZoneLife): () => void {
  const handlers = {
    SIGTERM: () => life.halt(),
    SIGHUP: () => life.reopenLog(),
    SIGUSR1: () => life.rotateLog(),
    SIGINT: () => undefined,
  } as const;
  for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of Object.entries(handlers)) process.off(signal, handler);
  };
}

/** Nobody may be listening any more; a policy restart never had anybody. */
function sendReport(line: string): void {
  try {
    writeSync(REPORT_FD, `${line.replaceAll("\n", " ")}\n`);
    closeSync(REPORT_FD);
  } catch {
    // The caller has gone; the zone runs all the same.
  }
}

function once(work: (line: string) => void): (line: string) => void {
  let done = false;
  return (line) => {
    if (!done) work(line);
    done = true;
  };
}
