// Which containers use which volume, and who could pull a directory from under another one's mount. Pure.
import { parseVolumePath, volumeDataset, volumePath, type VolumePlace } from "../spec/volume-place.ts";
import type { VolumeUse } from "../spec/resolved.ts";
import type { VmObject } from "../vmadm/schema.ts";

export interface ZoneUse {
  readonly zone: VmObject;
  readonly place: VolumePlace;
  readonly subpath: string;
  readonly readOnly: boolean;
}

/** Every mount of a volume of the node, by zones running or not: a stopped one may be started at any time. */
export function volumeUses(zones: readonly VmObject[], pool: string): ZoneUse[] {
  return zones.flatMap((zone) =>
    (zone.filesystems ?? []).flatMap((fs): ZoneUse[] => {
      const part = parseVolumePath(pool, fs.source);
      return part === undefined ? [] : [{ zone, ...part, readOnly: fs.options?.includes("ro") ?? false }];
    }),
  );
}

export function isSamePlace(a: VolumePlace, b: VolumePlace): boolean {
  return volumeDataset("", a) === volumeDataset("", b);
}

type Part = Pick<VolumeUse, "place" | "subpath" | "readOnly">;

/**
 * Zones mount by path, at every boot anew. Whoever can write to a directory can put a link in the place of one below it,
 * and the zone that mounts the lower one would then be given whatever the link names. So nobody may write above what
 * another one mounts: the pair that breaks this rule, or undefined.
 */
export function nestedWriters<A extends Part, B extends Part>(
  wanted: readonly A[],
  others: readonly B[],
): { readonly upper: A | B; readonly lower: A | B } | undefined {
  return writerAbove(wanted, others, ({ place, subpath }) => volumePath("", place, subpath));
}

/** The same rule for clean absolute paths of any kind. */
export function writerAbove<A extends { readonly readOnly: boolean }, B extends { readonly readOnly: boolean }>(
  wanted: readonly A[],
  others: readonly B[],
  pathOf: (use: A | B) => string,
): { readonly upper: A | B; readonly lower: A | B } | undefined {
  for (const [i, use] of wanted.entries())
    for (const other of [...others, ...wanted.slice(i + 1)]) {
      if (isAbove(pathOf(use), pathOf(other)) && !use.readOnly) return { upper: use, lower: other };
      if (isAbove(pathOf(other), pathOf(use)) && !other.readOnly) return { upper: other, lower: use };
    }
  return undefined;
}

function isAbove(upper: string, lower: string): boolean {
  return lower !== upper && lower.startsWith(upper === "/" ? upper : `${upper}/`);
}
