import { without, type Payload } from "./json-text.ts";
import { brandFeatures } from "./properties.ts";
import {
  canonicalMac,
  checkNic,
  checkNicSet,
  electPrimary,
  normalizeNic,
  placeNics,
  randomMac,
  vrrpMac,
  type Nic,
} from "./nics.ts";
import { VmError } from "./vm-error.ts";

export interface NicPlan {
  /** All of the zone's nics afterwards. */
  readonly nics: readonly Nic[];
  /** What the platform compares with every zone, this one included (vmadm.md 8.1). */
  readonly claims: readonly Nic[];
  /** Those whose tag has to exist. */
  readonly tagged: readonly Nic[];
}

/** undefined: the payload names no nics. */
export function planNics(vm: Payload, change: Payload): NicPlan | undefined {
  const list = (key: string): readonly Nic[] => (change[key] as readonly Nic[] | undefined) ?? [];
  const remove = (change["remove_nics"] as readonly unknown[] | undefined)?.map(String) ?? [];
  const added = list("add_nics").map((nic) => withMac(normalizeNic(nic)));
  const updates = list("update_nics").map(normalizeNic);
  if (added.length + updates.length + remove.length === 0) return undefined;
  for (const nic of list("add_nics")) checkNic(normalizeNic(nic));
  for (const nic of updates) checkNic(without(nic, "mac"), true);
  const kept = removed(updated(stored(vm), updates), remove);
  const prefix = brandFeatures(String(vm["brand"]))?.interfacePrefix ?? "net";
  const demoted = updates.find((nic) => nic["primary"] === true)?.["mac"];
  const single =
    demoted === undefined ? kept : kept.map((nic) => (nic["mac"] === demoted ? nic : without(nic, "primary")));
  const nics = added.length > 0 ? placeNics(single, added, prefix) : electPrimary(single);
  checkNicSet(nics);
  return {
    nics,
    claims: [...added, ...updates.map((nic) => without(nic, "mac"))],
    tagged: [...added, ...updates.filter((nic) => nic["nic_tag"] !== undefined)],
  };
}

/** The nics without the fields that are only shown. */
function stored(vm: Payload): Nic[] {
  const shown = (vm["nics"] as readonly Nic[] | undefined) ?? [];
  return shown.map((nic) => ["ip", "netmask", "gateway"].reduce<Nic>((rest, key) => without(rest, key), nic));
}

function withMac(nic: Nic): Nic {
  const vrid = nic["vrrp_vrid"];
  return { ...nic, mac: nic["mac"] ?? (typeof vrid === "number" ? vrrpMac(vrid) : randomMac()) };
}

function updated(nics: readonly Nic[], updates: readonly Nic[]): Nic[] {
  const result = [...nics];
  for (const update of updates) {
    if (typeof update["mac"] !== "string") throw new VmError("NIC object needs a .mac property to update");
    const index = result.findIndex((nic) => nic["mac"] === update["mac"]);
    if (index < 0) throw new VmError("There is no existing NIC with that mac address");
    const merged = Object.entries({ ...result[index], ...update });
    result[index] = Object.fromEntries(merged.filter(([, value]) => value !== "" && value !== null));
  }
  return result;
}

function removed(nics: readonly Nic[], macs: readonly string[]): Nic[] {
  const wanted = macs.map(canonicalMac);
  for (const mac of wanted)
    if (!nics.some((nic) => nic["mac"] === mac))
      // zonecfg's own text is not determined (vmadm.md 17).
      throw new VmError(`Command failed: zonecfg: No such net resource: mac-addr=${mac}`);
  return nics.filter((nic) => !wanted.includes(String(nic["mac"])));
}
