// Zone configurations (`/etc/zones/<uuid>.json` here, XML on the platform) and the zone object made of them.
import type { Lab } from "./lab.ts";

/** The zone object `vmadm get` prints (vmadm.md 9). */
export type LabVm = Record<string, unknown> & { uuid: string; zonepath: string };

/** The complete object, state and exit record included; undefined for a uuid nobody configured. */
export function loadVm(lab: Lab, uuid: string): LabVm | undefined {
  throw new Error(`not yet: ${uuid} in ${lab.root}`);
}

export function listZoneUuids(lab: Lab): string[] {
  throw new Error(`not yet: ${lab.root}`);
}

/** Sets (or with undefined removes) metadata as the supervisor's restart policy does; takes the zone's config lock. */
export function setInternalMetadata(
  lab: Lab,
  uuid: string,
  changes: Readonly<Record<string, string | number | boolean | undefined>>,
): Promise<void> {
  return Promise.reject(new Error(`not yet: ${uuid} in ${lab.root} ${Object.keys(changes).join()}`));
}
