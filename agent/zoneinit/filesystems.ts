import type { ResolvedMount } from "../spec/resolved.ts";
import type { ZoneFilesystem } from "../vmadm/schema.ts";

/**
 * Mounts as zonecfg `fs` entries. A uuid as source makes vmadm create a volume inside the zone's dataset, filled with
 * what the image has there (vmadm.md 8.3). Device nodes below a bound directory stay dead in the zone.
 */
export function zoneFilesystems(mounts: readonly ResolvedMount[]): ZoneFilesystem[] {
  return mounts.map((mount) => ({
    type: "lofs",
    source: mount.source,
    target: mount.target,
    options: [...(mount.readOnly ? ["ro"] : []), ...(mount.type === "bind" ? ["nodevices"] : [])],
  }));
}
