// What images take of the disk, from ZFS's own numbers: each layer is a dataset that holds what differs from its origin.
import type { ImageLookup } from "./find-image.ts";
import type { ImageUsage } from "./images.ts";
import type { DatasetSizes } from "../host/dataset-sizes.ts";
import type { ImageBlobs } from "./image-blobs.ts";
import { zonesOf } from "./image-users.ts";
import { isOurs } from "./layer-manifest.ts";
import { stackFromTop } from "./remove-image.ts";
import { keptBlobs } from "./scratch.ts";

export interface UsageContext extends ImageLookup {
  readonly blobs: ImageBlobs;
  readonly scratch: string;
  readonly pool: string;
  readonly sizes: (signal: AbortSignal | undefined) => Promise<DatasetSizes>;
}

export async function imageUsage(context: UsageContext, signal: AbortSignal | undefined): Promise<ImageUsage> {
  const { imgadm, records, blobs, scratch, pool } = context;
  const [all, installed, sizes] = await Promise.all([records.all(), imgadm.list({ signal }), context.sizes(signal)]);
  const present = new Set(installed.map(({ manifest }) => manifest.uuid));
  const zones = zonesOf(installed);
  const used = (uuid: string): number => sizes.get(`${pool}/${uuid}`)?.used ?? 0;
  const stacks = all
    .filter(({ imageUuid }) => present.has(imageUuid))
    .map((record) => ({ record, uuids: new Set<string>(stackFromTop(record).filter((uuid) => present.has(uuid))) }));
  const holders = new Map<string, Set<string>>();
  for (const { record, uuids } of stacks)
    for (const uuid of uuids) holders.set(uuid, (holders.get(uuid) ?? new Set()).add(record.config));
  const sum = (uuids: Iterable<string>): number => [...uuids].reduce((bytes, uuid) => bytes + used(uuid), 0);
  const inUse = new Set(
    stacks.filter(({ record }) => (zones.get(record.imageUuid) ?? []).length > 0).flatMap(({ uuids }) => [...uuids]),
  );
  const ours = installed.filter(isOurs).map(({ manifest }) => manifest.uuid);
  return {
    images: stacks.map(({ record, uuids }) => ({
      config: record.config,
      reference: record.references.at(-1),
      imageUuid: record.imageUuid,
      bytes: sum(uuids),
      sharedBytes: sum([...uuids].filter((uuid) => (holders.get(uuid)?.size ?? 0) > 1)),
      containers: (zones.get(record.imageUuid) ?? []).length,
    })),
    bytes: sum(ours),
    reclaimableBytes: sum(ours.filter((uuid) => !inUse.has(uuid) && (zones.get(uuid) ?? []).length === 0)),
    foreignBytes: sum(installed.filter((image) => !isOurs(image)).map(({ manifest }) => manifest.uuid)),
    savedBlobBytes: await blobs.total(),
    interruptedBytes: (await keptBlobs(scratch)).reduce((bytes, { size }) => bytes + size, 0),
  };
}
