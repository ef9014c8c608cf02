// What zoneadmd writes below the zonepath besides the zone's root.
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { LabVm } from "../lab-vm.ts";
import { StdioLog } from "./stdio-log.ts";
import { formatLastExited } from "./wait-status.ts";

/** Overwrites the record of the run before. */
export function writeLastExited(zonepath: string, status: number): void {
  const now = performance.timeOrigin + performance.now();
  writeFileSync(join(zonepath, "lastexited"), formatLastExited(now, status), { mode: 0o644 });
}

/** Its time is what counts: the restart policy measures runs by it. */
export function touchLastBooted(zonepath: string): void {
  const file = join(zonepath, "lastbooted");
  writeFileSync(file, "");
  utimesSync(file, new Date(), new Date());
}

/** `platform.log`, or `stdio.log` where the zone's log mode has a g (dockerinit.md 6.1); undefined where it has not. */
export function openZoneLog(lab: Lab, vm: LabVm, name: "platform.log" | "stdio.log"): StdioLog | undefined {
  const mode = typeof vm["zlog_mode"] === "string" ? vm["zlog_mode"] : "g--";
  if (name === "stdio.log" && !mode.startsWith("g")) return undefined;
  const maxSize = vm["zlog_max_size"];
  return new StdioLog(join(lab.path(vm.zonepath), "logs", name), {
    origin: { hostname: lab.config.hostname, pid: process.pid },
    maxSize: typeof maxSize === "number" ? maxSize : undefined,
  });
}
