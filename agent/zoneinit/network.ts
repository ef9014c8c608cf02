import type { ResolvedNic } from "../spec/resolved.ts";
import type { ZoneNic } from "../vmadm/schema.ts";

/** The first nic is primary: vmadm takes `true` or nothing (vmadm.md 8.1). */
export function zoneNics(nics: readonly ResolvedNic[]): ZoneNic[] {
  return nics.map((nic, i) => ({
    nic_tag: nic.nicTag,
    ips: [...nic.ips],
    ...(nic.gateway === undefined ? {} : { gateways: [nic.gateway] }),
    ...(nic.mac === undefined ? {} : { mac: nic.mac }),
    ...(nic.vlan === undefined ? {} : { vlan_id: nic.vlan }),
    ...(i === 0 ? { primary: true as const } : {}),
    ...(nic.mtu === undefined ? {} : { mtu: nic.mtu }),
  }));
}
