// The zones' network: a bridge per nic tag and VLAN inside the lab's own network namespace, a veth pair per nic. Pure:
// these functions write batches for ip(8), `zone-process.ts` has them run.
import { createHash } from "node:crypto";
import type { LabVm } from "../lab-vm.ts";

export interface ZoneNic {
  readonly interface: string;
  readonly mac: string | undefined;
  readonly nicTag: string;
  readonly vlanId: number;
  /** CIDR texts; `dhcp` and `addrconf` are left out, nobody would answer. */
  readonly addresses: readonly string[];
  readonly gateway: string | undefined;
  readonly primary: boolean;
}

export function zoneNics(vm: LabVm): ZoneNic[] {
  const nics = Array.isArray(vm["nics"]) ? (vm["nics"] as Readonly<Record<string, unknown>>[]) : [];
  return nics.flatMap((nic) => {
    if (typeof nic["interface"] !== "string") return [];
    return [
      {
        interface: nic["interface"],
        mac: typeof nic["mac"] === "string" ? nic["mac"] : undefined,
        nicTag: typeof nic["nic_tag"] === "string" ? nic["nic_tag"] : "admin",
        vlanId: Number(nic["vlan_id"] ?? 0),
        addresses: addressesOf(nic),
        gateway: typeof nic["gateway"] === "string" && isAddress(nic["gateway"]) ? nic["gateway"] : undefined,
        primary: nic["primary"] === true,
      },
    ];
  });
}

function addressesOf(nic: Readonly<Record<string, unknown>>): string[] {
  const ips = Array.isArray(nic["ips"]) ? (nic["ips"] as unknown[]) : [];
  return ips.filter((ip): ip is string => typeof ip === "string" && /^[0-9a-fA-F.:]+\/\d{1,3}$/.test(ip));
}

function isAddress(text: string): boolean {
  return /^[0-9a-fA-F.:]+$/.test(text);
}

/** Interface names have 15 characters; tags may be longer. */
export function bridgeName(nicTag: string, vlanId: number): string {
  return `br${createHash("sha256").update(`${nicTag}/${vlanId}`).digest("hex").slice(0, 10)}`;
}

/** Outer end of a zone's nic. */
export function vethName(zoneid: number, index: number): string {
  return `z${zoneid}n${index}`;
}

/** In the lab's namespace: bridges (there already, mostly) and the pairs, inner ends in the namespace of process `pid`. */
export function outerBatch(nics: readonly ZoneNic[], zoneid: number, pid: number): string {
  return nics
    .flatMap((nic, index) => {
      const bridge = bridgeName(nic.nicTag, nic.vlanId);
      const outer = vethName(zoneid, index);
      const mac = nic.mac === undefined ? "" : ` address ${safeWord(nic.mac)}`;
      return [
        `link add name ${bridge} type bridge`,
        `link set ${bridge} up`,
        `link add ${outer} type veth peer name ${safeWord(nic.interface)}${mac} netns ${pid}`,
        `link set ${outer} master ${bridge} up`,
      ];
    })
    .map((line) => `${line}\n`)
    .join("");
}

/** In the zone: loopback, addresses, the primary nic's default route, static routes (dockerinit.md 4.1). */
export function innerBatch(nics: readonly ZoneNic[], routes: Readonly<Record<string, unknown>>): string {
  const lines = ["link set lo up"];
  for (const nic of nics) {
    const name = safeWord(nic.interface);
    lines.push(`link set ${name} up`);
    for (const address of nic.addresses)
      lines.push(`addr add ${address}${address.includes(":") ? " nodad" : ""} dev ${name}`);
  }
  for (const nic of nics)
    if (nic.primary && nic.gateway !== undefined)
      lines.push(`route add default via ${nic.gateway} dev ${safeWord(nic.interface)} onlink`);
  for (const [destination, gateway] of Object.entries(routes)) {
    const route = staticRoute(destination, String(gateway), nics);
    if (route !== undefined) lines.push(route);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function staticRoute(destination: string, gateway: string, nics: readonly ZoneNic[]): string | undefined {
  if (!/^[0-9a-fA-F.:]+(?:\/\d{1,3})?$/.test(destination)) return undefined;
  const index = /^nics\[(\d+)\]$/.exec(gateway)?.[1];
  const byMac = /^macs\[([0-9a-fA-F:]+)\]$/.exec(gateway)?.[1];
  const nic = index !== undefined ? nics[Number(index)] : nics.find((candidate) => candidate.mac === byMac);
  if (nic && (index !== undefined || byMac !== undefined))
    return `route add ${destination} dev ${safeWord(nic.interface)}`;
  return isAddress(gateway) ? `route add ${destination} via ${gateway}` : undefined;
}

/** One word of a batch: vmadm has checked these, a stray blank would still be another command. */
function safeWord(text: string): string {
  if (!/^[\w:.-]+$/.test(text)) throw new Error(`not a word for ip(8): "${text}"`);
  return text;
}
