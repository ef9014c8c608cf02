// Who stands in the way of an image: the zones made of it, by the names people know them by.
import type { InstalledImage } from "./schema.ts";

/** Names of zones by uuid; those it does not know are shown by their uuid. */
export type ZoneNames = (signal: AbortSignal | undefined) => Promise<ReadonlyMap<string, string>>;

/**
 * uuids of the zones made of each image, told from the clones of its dataset (`<pool>/<zone>`, `<pool>/<zone>/…`,
 * `<pool>/<zone>-diskN`). Children that are images themselves do not count.
 */
export function zonesOf(installed: readonly InstalledImage[]): ReadonlyMap<string, readonly string[]> {
  const images = new Set(installed.map(({ manifest }) => manifest.uuid));
  return new Map(
    installed.map(({ manifest, cloneNames, children }) => {
      const zones = (cloneNames ?? children?.clones ?? []).flatMap((dataset) => {
        const zone = /^[^/]+\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=$|\/|-disk\d)/.exec(dataset)?.[1];
        return zone === undefined || images.has(zone) ? [] : [zone];
      });
      return [manifest.uuid, [...new Set(zones)]];
    }),
  );
}
