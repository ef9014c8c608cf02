// Clears up what nobody asks for any more: images without a name, what killed pulls left, and with `all` images no
// container is made of. Only ever what zonelet brought, one `imgadm delete` at a time; never `imgadm vacuum`, which
// would take images that were just installed, and other people's (imgadm.md 3.8).
import type { ImageUuid } from "../util/ids.ts";
import type { ImageBlobs } from "./image-blobs.ts";
import type { ImageRecord, PrunedImages, PruneOptions } from "./images.ts";
import { zonesOf } from "./image-users.ts";
import { isOurs } from "./layer-manifest.ts";
import { dropLayers, dropOne, stackFromTop, type RemoveContext } from "./remove-image.ts";
import { dropKeptBlobs, keptBlobs } from "./scratch.ts";
import { imageUuid, type InstalledImage } from "./schema.ts";

export interface PruneContext extends RemoveContext {
  readonly blobs: ImageBlobs;
  readonly scratch: string;
}

/** What is in use or under way stays, without an error. Repeating it after an interruption goes on. */
export async function pruneImages(context: PruneContext, options: PruneOptions): Promise<PrunedImages> {
  const { imgadm, records, locks, blobs, scratch } = context;
  const { signal, dryRun = false } = options;
  const guard = await locks.records({
    onWait: () => options.onProgress?.({ type: "waiting", what: "another zonelet process, which is changing images" }),
    ...(signal ? { signal } : {}),
  });
  try {
    const all = await records.all();
    const installed = await imgadm.list({ signal });
    const going = recordsToDrop(all, installed, options.all ?? false);
    const untagged = going.flatMap(({ references }) => references);
    const staying = all.filter((record) => !going.includes(record));
    const orphans = orphansTopDown(installed, staying);
    if (dryRun) {
      const kept = (await keptBlobs(scratch)).reduce((sum, { size }) => sum + size, 0);
      const unneeded = await blobs.retain(staying, { dryRun });
      return { untagged, deleted: orphans, bytes: sizeOf(orphans, installed) + kept + unneeded };
    }
    const deleted: ImageUuid[] = [];
    // An image that lies below another one is free only when that one is gone.
    for (const record of going.toSorted((a, b) => b.layers.length - a.layers.length)) {
      await records.put({ ...record, references: [] });
      await dropLayers(context, { ...record, references: [] }, deleted, options);
    }
    for (const uuid of orphans) if (!deleted.includes(uuid)) await dropOne(context, uuid, deleted, options);
    const bytes = (await dropKeptBlobs(scratch, locks, signal)) + (await sweepBlobs(context, blobs));
    return { untagged, deleted, bytes: sizeOf(deleted, installed) + bytes };
  } finally {
    guard?.release();
  }
}

/** Removes kept blobs no record tells of, unless somebody is bringing some in. */
export async function sweepBlobs({ records, locks }: RemoveContext, blobs: ImageBlobs): Promise<number> {
  const lock = await locks.blobs({ timeoutMs: 0 });
  if (lock === undefined) return 0;
  try {
    return await blobs.retain(await records.all());
  } finally {
    lock.release();
  }
}

function recordsToDrop(
  records: readonly ImageRecord[],
  installed: readonly InstalledImage[],
  all: boolean,
): readonly ImageRecord[] {
  const zones = zonesOf(installed);
  const present = new Set(installed.map(({ manifest }) => manifest.uuid));
  return records.filter(
    ({ references, imageUuid: uuid }) =>
      // A record whose image somebody deleted with imgadm says nothing any more.
      !present.has(uuid) || ((all || references.length === 0) && (zones.get(uuid) ?? []).length === 0),
  );
}

/** Installed by us and below no image that stays, children before their origins; those others build on are left out. */
function orphansTopDown(installed: readonly InstalledImage[], staying: readonly ImageRecord[]): readonly ImageUuid[] {
  const wanted = new Set<string>(staying.flatMap(stackFromTop));
  const zones = zonesOf(installed);
  const left = new Map(installed.map((image) => [image.manifest.uuid, image]));
  const orphans: ImageUuid[] = [];
  for (let found = true; found;) {
    found = false;
    const origins = new Set([...left.values()].map(({ manifest }) => manifest.origin));
    for (const [uuid, image] of left) {
      const parsed = imageUuid.safeParse(uuid);
      if (!parsed.success || !isOurs(image) || wanted.has(uuid) || origins.has(uuid)) continue;
      if ((zones.get(uuid) ?? []).length > 0) continue;
      orphans.push(parsed.data);
      left.delete(uuid);
      found = true;
    }
  }
  return orphans;
}

function sizeOf(uuids: readonly ImageUuid[], installed: readonly InstalledImage[]): number {
  const gone = new Set<string>(uuids);
  return installed
    .filter(({ manifest }) => gone.has(manifest.uuid))
    .reduce((sum, { manifest }) => sum + (manifest.files?.[0]?.size ?? 0), 0);
}
