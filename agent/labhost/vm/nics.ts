// Network interfaces: the legacy ip form turned into ips, the checks of vmadm.md 4.4 and 8.1, and what `get` shows.
import { randomBytes } from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import { textOf, without, type Payload } from "./json-text.ts";
import { isPrivateIPv4, netmaskToPrefix, parseCidr, prefixToNetmask } from "./ip.ts";
import { VmError } from "./vm-error.ts";

export type Nic = Payload;

const MAX_IPS = 20;
const MAX_ALLOWED_IPS = 13;
const MAX_ALL_IPS = 32;
const MAX_CIDS = 20;
const TAG_MTU = 1500;

/** Legacy `ip`, `netmask`, `gateway` become `ips` and `gateways`; those given directly win. */
export function normalizeNic(nic: Nic): Nic {
  const { ip, netmask, gateway, ips, gateways, ...rest } = nic;
  const result: Nic = { ...rest };
  if (Array.isArray(ips)) result["ips"] = ips;
  else if (typeof ip === "string" && ip !== "") result["ips"] = [legacyAddress(nic, ip, netmask)];
  if (Array.isArray(gateways)) result["gateways"] = gateways;
  else if (typeof gateway === "string" && gateway !== "") result["gateways"] = [gateway];
  return result;
}

function legacyAddress(nic: Nic, ip: string, netmask: unknown): string {
  if (ip === "dhcp" || ip === "addrconf") return ip;
  if (typeof netmask !== "string" || netmask === "")
    throw new VmError(`Missing .netmask option for NIC: ${JSON.stringify(nic)}`);
  const prefix = netmaskToPrefix(netmask);
  if (prefix === undefined) throw new VmError(`Specified netmask value is invalid: ${netmask}`);
  return `${ip}/${prefix}`;
}

/** Checks of one nic on its own. `update`: the stricter tag pattern of update_nics, and the tag may be absent. */
export function checkNic(nic: Nic, update = false): void {
  checkTag(nic, update);
  for (const ip of strings(nic["ips"]))
    if (ip !== "dhcp" && ip !== "addrconf" && !parseCidr(ip))
      throw new VmError(`Invalid IP for NIC: ${JSON.stringify(nic)}`);
  for (const gateway of strings(nic["gateways"]))
    if (!isIPv4(gateway)) throw new VmError(`Static gateways must be IPv4 addresses: ${gateway}`);
  if (nic["primary"] !== undefined && nic["primary"] !== true)
    throw new VmError(`invalid value for NIC's primary flag: ${textOf(nic["primary"])} (must be true)`);
  checkCounts(nic);
  if (nic["mac"] !== undefined && nic["vrrp_vrid"] !== undefined)
    throw new VmError("Cannot set both mac and vrrp_vrid");
  if (nic["vrrp_vrid"] !== undefined && nic["vrrp_primary_ip"] === undefined)
    throw new VmError("vrrp_vrid set but not vrrp_primary_ip");
}

function checkTag(nic: Nic, update: boolean): void {
  const tag = nic["nic_tag"];
  if (update) {
    if (tag !== undefined && !(typeof tag === "string" && /^[a-zA-Z0-9_]+$/.test(tag)))
      throw new VmError(`invalid .nic_tag option for NIC: ${JSON.stringify(nic)}`);
  } else if (!(typeof tag === "string" && /^[a-zA-Z0-9_/]+$/.test(tag)))
    throw new VmError(`invalid or missing .nic_tag option for NIC: ${JSON.stringify(nic)}`);
}

function checkCounts(nic: Nic): void {
  const ips = strings(nic["ips"]);
  if (ips.length > MAX_IPS) throw new VmError(`nic.*.ips contains ${ips.length} addresses, but is limited to 20`);
  const allowed = strings(nic["allowed_ips"]);
  if (allowed.length > MAX_ALLOWED_IPS) throw new VmError("Maximum of 13 allowed_ips per nic");
  for (const ip of allowed) if (isIP(ip) === 0 && !parseCidr(ip)) throw new VmError(`invalid allowed_ips: ${ip}`);
  const vrrp = nic["vrrp_primary_ip"] === undefined ? 0 : 1;
  if (ips.length + allowed.length + vrrp > MAX_ALL_IPS)
    throw new VmError("More than 32 IPs cannot be associated with a NIC");
  const cids = strings(nic["allowed_dhcp_cids"]);
  if (cids.length > MAX_CIDS)
    throw new VmError(
      `nics.*.allowed_dhcp_cids contains ${cids.length} Client Identifiers, but is limited to ${MAX_CIDS}`,
    );
  if (cids.join(",").length >= 1024)
    throw new VmError("nics.*.allowed_dhcp_cids contains too many long Client Identifiers");
}

/** Checks of a zone's nics against each other. */
export function checkNicSet(nics: readonly Nic[]): void {
  if (nics.filter((nic) => nic["primary"] === true).length > 1)
    throw new VmError("payload specifies more than 1 primary NIC");
  const seen = { IP: new Set<unknown>(), MAC: new Set<unknown>(), VRID: new Set<unknown>() };
  const once = (kind: keyof typeof seen, value: unknown): void => {
    if (seen[kind].has(value)) throw new VmError(`Cannot add multiple NICs with the same ${kind}: ${String(value)}`);
    seen[kind].add(value);
  };
  for (const nic of nics) {
    for (const ip of strings(nic["ips"])) if (ip !== "dhcp" && ip !== "addrconf") once("IP", ip.split("/")[0]);
    if (nic["mac"] !== undefined) once("MAC", nic["mac"]);
    if (nic["vrrp_vrid"] !== undefined) once("VRID", nic["vrrp_vrid"]);
  }
  checkVrrp(nics);
}

function checkVrrp(nics: readonly Nic[]): void {
  const vrrp = nics.filter((nic) => nic["vrrp_vrid"] !== undefined);
  if (vrrp.length === 0) return;
  const plain = nics.filter((nic) => nic["vrrp_vrid"] === undefined);
  if (plain.length === 0) throw new VmError("VM cannot contain only VRRP nics");
  const addresses = plain.flatMap((nic) => strings(nic["ips"]).map((ip) => ip.split("/")[0]));
  for (const nic of vrrp)
    if (!addresses.includes(String(nic["vrrp_primary_ip"])))
      throw new VmError("vrrp_primary_ip must belong to the same VM");
}

/** One line for each unknown tag; overlay tags (`sdc_overlay/123`) are known by their first part. */
export function checkNicTags(nics: readonly Nic[], known: readonly string[]): void {
  const bad = nics
    .map((nic) => String(nic["nic_tag"]))
    .filter((tag, index, all) => all.indexOf(tag) === index)
    .filter((tag) => !known.includes(tag) && !known.includes(tag.split("/")[0] ?? tag));
  if (bad.length > 0) throw new VmError(bad.map((tag) => `Invalid nic tag "${tag}"`).join("\n"));
  for (const [index, nic] of nics.entries())
    if (typeof nic["mtu"] === "number" && nic["mtu"] < TAG_MTU)
      throw new VmError(
        `nic ${index} (${String(nic["mac"])}): MTU is below the supported MTU (${TAG_MTU}) of nic tag "${String(nic["nic_tag"])}"`,
      );
}

interface OtherVm {
  readonly uuid: string;
  readonly state: string;
  readonly zoneState: string;
  readonly nics: readonly Nic[];
}

/**
 * The platform's notion of a conflict: same MAC, same VRID, or same tag, strictly same vlan and an equal CIDR text.
 * `others` includes the zone itself where the platform does (vmadm.md 8.1).
 */
export function checkConflicts(nics: readonly Nic[], others: readonly OtherVm[]): void {
  const rivals = others.filter((vm) => !(vm.state === "failed" && vm.zoneState !== "running")).flatMap((vm) => vm.nics);
  for (const nic of nics) for (const rival of rivals) if (conflict(nic, rival)) throw conflictError();
}

function conflictError(): VmError {
  return new VmError("Conflict detected with another vm, please check the MAC, IP, and VRID");
}

function conflict(a: Nic, b: Nic): boolean {
  if (a["mac"] !== undefined && a["mac"] === b["mac"]) return true;
  if (a["vrrp_vrid"] !== undefined && a["vrrp_vrid"] === b["vrrp_vrid"]) return true;
  if (a["nic_tag"] !== b["nic_tag"] || a["vlan_id"] !== b["vlan_id"]) return false;
  const theirs = strings(b["ips"]);
  return strings(a["ips"]).some((ip) => ip !== "dhcp" && ip !== "addrconf" && theirs.includes(ip));
}

/** A random locally administered address, `<x>2:…`. */
export function randomMac(random: (bytes: number) => Buffer = randomBytes): string {
  const octets = [...random(6)].map((octet) => octet.toString(16).padStart(2, "0"));
  octets[0] = `${(octets[0] ?? "0")[0] ?? "0"}2`;
  return octets.join(":");
}

export function vrrpMac(vrid: number): string {
  return `00:00:5e:00:01:${vrid.toString(16).padStart(2, "0")}`;
}

/** Gives new nics their MAC and the lowest free interface name; one of all becomes primary. */
export function placeNics(existing: readonly Nic[], added: readonly Nic[], prefix: string): Nic[] {
  const taken = new Set(existing.map((nic) => nic["interface"]));
  const demote = added.some((nic) => nic["primary"] === true);
  const kept = existing.map((nic) => {
    if (!demote) return nic;
    return without(nic, "primary");
  });
  const placed = added.map((nic): Nic => {
    let number = 0;
    while (taken.has(`${prefix}${number}`)) number++;
    const name = `${prefix}${number}`;
    taken.add(name);
    return { ...nic, interface: name };
  });
  const all = [...kept, ...placed];
  const first = all[0];
  if (first && !all.some((nic) => nic["primary"] === true)) all[0] = { ...first, primary: true };
  return all;
}

/** After the primary nic went: the first with a public address, else a private one, else none. */
export function electPrimary(nics: readonly Nic[]): Nic[] {
  if (nics.some((nic) => nic["primary"] === true)) return [...nics];
  const addressed = nics.filter((nic) => strings(nic["ips"]).some((ip) => parseCidr(ip)?.family === 4));
  const isPublic = (nic: Nic): boolean =>
    strings(nic["ips"]).some((ip) => parseCidr(ip)?.family === 4 && !isPrivateIPv4(ip));
  const chosen = addressed.find(isPublic) ?? addressed[0];
  return nics.map((nic) => (nic === chosen ? { ...nic, primary: true } : nic));
}

const SHOWN_LAST = ["network_uuid", "primary"];

/** A nic as `get` shows it: legacy fields derived from the first IPv4 of ips and gateways. */
export function nicForDisplay(nic: Nic): Nic {
  const shown: Nic = { interface: nic["interface"], mac: nic["mac"] };
  if (nic["vlan_id"] !== undefined) shown["vlan_id"] = nic["vlan_id"];
  shown["nic_tag"] = nic["nic_tag"];
  const gateways = strings(nic["gateways"]);
  if (gateways.length > 0) Object.assign(shown, { gateway: gateways[0], gateways });
  const ips = strings(nic["ips"]);
  const first = ips.find((ip) => ip === "dhcp" || parseCidr(ip)?.family === 4);
  const cidr = first === undefined ? undefined : parseCidr(first);
  if (cidr) Object.assign(shown, { netmask: prefixToNetmask(cidr.prefix), ip: cidr.address });
  else if (first === "dhcp") shown["ip"] = "dhcp";
  shown["ips"] = ips;
  for (const [key, value] of Object.entries(nic))
    if (!(key in shown) && !SHOWN_LAST.includes(key) && key !== "gateways") shown[key] = value;
  for (const key of SHOWN_LAST) if (nic[key] !== undefined) shown[key] = nic[key];
  return shown;
}

/** Two digits an octet, lower case. */
export function canonicalMac(mac: string): string {
  return mac
    .split(":")
    .map((octet) => octet.padStart(2, "0").toLowerCase())
    .join(":");
}

export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
