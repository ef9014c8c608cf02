// Static routes (vmadm.md 8.2; vmadm-properties.json, routes).
import { isIPv4 } from "node:net";
import { parseCidr } from "./ip.ts";
import { strings, type Nic } from "./nics.ts";
import { VmError } from "./vm-error.ts";

/** `nics`: those the zone will have. Raises VmError for the first bad destination or gateway. */
export function checkRoutes(routes: unknown, nics: readonly Nic[]): void {
  if (typeof routes !== "object" || routes === null) return;
  for (const [destination, gateway] of Object.entries(routes)) {
    if (!isIPv4(destination) && parseCidr(destination)?.family !== 4)
      throw new VmError(`Invalid route destination: "${destination}" (must be IP address or CIDR)`);
    checkGateway(String(gateway), nics);
  }
}

function checkGateway(gateway: string, nics: readonly Nic[]): void {
  if (isIPv4(gateway)) return;
  const byIndex = /^nics\[(\d+)\]$/.exec(gateway)?.[1];
  const byMac = /^macs\[([0-9a-fA-F:]+)\]$/.exec(gateway)?.[1];
  if (byIndex === undefined && byMac === undefined)
    throw new VmError(`Invalid route gateway: "${gateway}" (must be IP address, MAC address, or nic)`);
  const nic = byIndex === undefined ? nics.find((n) => n["mac"] === byMac) : nics[Number(byIndex)];
  if (!nic || !strings(nic["ips"]).some((ip) => parseCidr(ip)))
    throw new VmError(`Route gateway: "${gateway}" refers to non-existent or DHCP nic`);
}
