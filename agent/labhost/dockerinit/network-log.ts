// dockerinit's account of the network (dockerinit.md 4.1). The lab has set the addresses up already: these are the lines
// the platform's dockerinit would have written while doing it.
import type { Metadata } from "./metadata.ts";
import { readKey, type LogLine } from "./process-plan.ts";

interface LoggedNic {
  readonly interface?: string;
  readonly ip?: string;
  readonly netmask?: string;
  readonly primary?: boolean;
  readonly gateway?: string;
}

/** `pid` stands for the daemon's, which the lab does not have. */
export function logNetwork(metadata: Metadata, pid: number, log: LogLine): void {
  log("INFO setting up networking");
  log(`INFO started ipmgmtd[${pid}]`);
  log(`INFO ipmgmtd[${pid}] exited: 0`);
  log("PLUMB lo0");
  log("RAISE[lo0] addr=127.0.0.1, netmask=255.0.0.0");
  const nics = JSON.parse(readKey(metadata, "sdc:nics", log) ?? "[]") as LoggedNic[];
  if (nics.length === 0) log("WARN no NICs found in sdc:nics");
  for (const nic of nics) {
    if (nic.interface === undefined) continue;
    log(`PLUMB ${nic.interface}`);
    if (nic.ip !== undefined && nic.netmask !== undefined)
      log(`RAISE[${nic.interface}] addr=${nic.ip}, netmask=${nic.netmask}`);
  }
  readKey(metadata, "sdc:routes", log);
  readKey(metadata, "sdc:nics", log);
  for (const nic of nics)
    if (nic.primary === true && nic.gateway !== undefined && nic.interface !== undefined)
      log(`ROUTE[${nic.interface}] gw=${nic.gateway}, dst=0.0.0.0`);
  readKey(metadata, "sdc:routes", log);
  if (readKey(metadata, "docker:noipmgmtd", log)?.startsWith("true") === true) {
    log(`INFO ipmgmtd PID is ${pid}`);
    log(`KILLED ipmgmtd[${pid}]`);
  }
  log("INFO network setup complete");
}
