// sysinfo(8): the keys that agents and people look at, about the machine the lab runs on.
import { cpus, totalmem, uptime } from "node:os";
import { writeFileAtomic } from "../../util/atomic-file.ts";
import type { EmulatedCommand } from "../command.ts";
import { PLATFORM_STAMP, type Lab } from "../lab.ts";

const MIB = 1024 * 1024;

/** Numbers as text where the platform has them as text. */
export function describeHost(lab: Lab): Readonly<Record<string, unknown>> {
  const { config } = lab;
  return {
    "Live Image": PLATFORM_STAMP,
    "System Type": "SunOS",
    "Boot Time": String(Math.floor(Date.now() / 1000 - uptime())),
    "Datacenter Name": "lab",
    "SDC Version": "7.0",
    Manufacturer: "zonelet lab host",
    Product: "lab",
    UUID: config.serverUuid,
    Hostname: config.hostname,
    "CPU Virtualization": "none",
    "CPU Physical Cores": 1,
    "CPU Total Cores": cpus().length,
    "CPU Type": cpus()[0]?.model ?? "unknown",
    "MiB of Memory": String(Math.floor(totalmem() / MIB)),
    Zpool: "zones",
    "Zpool Encrypted": false,
    "VM Capable": false,
    "Bhyve Capable": false,
    "Network Interfaces": {
      lab0: { "MAC Address": "02:00:00:00:00:01", ip4addr: "", "Link Status": "up", "NIC Names": config.nicTags },
    },
    "Virtual Network Interfaces": {},
    "Link Aggregations": {},
    Setup: "true",
  };
}

/** `-u` writes the cache only; everything else prints, too. */
export const sysinfo: EmulatedCommand = async ({ lab, args, out }) => {
  const text = `${JSON.stringify(describeHost(lab), undefined, 2)}\n`;
  await writeFileAtomic(lab.path("/tmp/.sysinfo.json"), text, { sync: false });
  if (!args.includes("-u")) out(text);
  return 0;
};
