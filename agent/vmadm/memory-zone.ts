// Zone objects of the memory twin: from a manifest, and after an update. Pure.
import { randomBytes } from "node:crypto";
import { vmObjectSchema, type UpdatePayload, type VmObject, type ZoneManifest, type ZoneNic } from "./schema.ts";

type MemoryNic = NonNullable<VmObject["nics"]>[number];

/** A freshly created zone, with the defaults the contract suite looks at (vmadm.md 6, 7). */
export function buildZone(manifest: ZoneManifest, now: Date): VmObject {
  const memory = manifest.max_physical_memory ?? 256;
  return vmObjectSchema.parse({
    ...manifest,
    zonename: manifest.uuid,
    state: "stopped",
    zone_state: "installed",
    zonepath: `/zones/${manifest.uuid}`,
    zoneid: null,
    create_timestamp: now.toISOString(),
    max_physical_memory: memory,
    max_swap: Math.max(manifest.max_swap ?? memory, memory, 256),
    quota: manifest.quota ?? 10,
    zlog_mode: manifest.docker === true ? "g--" : undefined,
    snapshots: [],
    nics: (manifest.nics ?? []).map((nic, index) => withInterface(nic, `eth${index}`, index === 0)),
  });
}

function withInterface(nic: ZoneNic, name: string, primary: boolean): MemoryNic {
  const [address = ""] = nic.ips;
  const octets = [0x82, ...randomBytes(5)].map((octet) => octet.toString(16).padStart(2, "0"));
  return {
    ...nic,
    interface: name,
    mac: nic.mac ?? octets.join(":"),
    ip: address.split("/")[0] ?? address,
    ...(primary ? { primary: true } : {}),
  };
}

/** Same MAC, or same address in the same nic tag and VLAN (vmadm.md 8.1). */
export function zonesConflict(one: VmObject, other: VmObject): boolean {
  return (one.nics ?? []).some((a) =>
    (other.nics ?? []).some(
      (b) =>
        a.mac === b.mac ||
        (a.nic_tag === b.nic_tag &&
          a.vlan_id === b.vlan_id &&
          (a.ips ?? []).some((ip) => ip.includes("/") && (b.ips ?? []).includes(ip))),
    ),
  );
}

/** The zone after an update (vmadm.md 3.11): plain keys replaced, maps merged, lists changed by their key. */
export function applyUpdate(vm: VmObject, payload: UpdatePayload): VmObject {
  const {
    set_tags,
    remove_tags = [],
    set_internal_metadata,
    remove_internal_metadata = [],
    set_customer_metadata,
    remove_customer_metadata = [],
    add_nics = [],
    update_nics = [],
    remove_nics = [],
    add_filesystems = [],
    remove_filesystems = [],
    ...plain
  } = payload;
  const nics = (vm.nics ?? [])
    .filter((nic) => !remove_nics.includes(nic.mac ?? ""))
    .map((nic) => ({ ...nic, ...update_nics.find((change) => change.mac === nic.mac) }));
  return vmObjectSchema.parse({
    ...vm,
    ...plain,
    tags: without({ ...vm.tags, ...set_tags }, remove_tags),
    internal_metadata: without({ ...vm.internal_metadata, ...set_internal_metadata }, remove_internal_metadata),
    customer_metadata: without({ ...vm.customer_metadata, ...set_customer_metadata }, remove_customer_metadata),
    nics: [
      ...nics,
      ...add_nics.map((nic, index) => withInterface(nic, `eth${nics.length + index}`, nics.length === 0)),
    ],
    filesystems: [...(vm.filesystems ?? []), ...add_filesystems].filter(
      (filesystem) => !remove_filesystems.includes(filesystem.target),
    ),
  });
}

function without<T>(map: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}
