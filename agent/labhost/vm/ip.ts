// Addresses as vmadm reads them (vmadm.md 8.1; vmadm-properties.json, nics.*.ips).
import { isIP, isIPv4 } from "node:net";

export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: 4 | 6;
}

/** IPv4 /8 to /32, IPv6 /0 to /128. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (!match?.[1] || match[2] === undefined) return undefined;
  const prefix = Number(match[2]);
  const family = isIP(match[1]);
  if (family === 4 && prefix >= 8 && prefix <= 32) return { address: match[1], prefix, family };
  if (family === 6 && prefix <= 128) return { address: match[1], prefix, family };
  return undefined;
}

export function prefixToNetmask(prefix: number): string {
  const bits = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => String((bits >>> shift) & 0xff)).join(".");
}

/** undefined for anything but a contiguous IPv4 mask. */
export function netmaskToPrefix(mask: string): number | undefined {
  if (!isIPv4(mask)) return undefined;
  for (let prefix = 0; prefix <= 32; prefix++) if (prefixToNetmask(prefix) === mask) return prefix;
  return undefined;
}

export function isPrivateIPv4(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);
}
