// The layers of our images, and which images share them.
import type { ImageLookup } from "./find-image.ts";
import type { LayerListing } from "./images.ts";
import { layerStackUuid } from "./layer-uuid.ts";

/** One row per image and layer, base first. Images whose dataset is gone are left out. */
export async function listLayers(
  { imgadm, records }: ImageLookup,
  signal: AbortSignal | undefined,
): Promise<readonly LayerListing[]> {
  const [known, installed] = await Promise.all([records.all(), imgadm.list({ signal })]);
  const present = new Set(installed.map(({ manifest }) => manifest.uuid));
  const images = known
    .filter((record) => present.has(record.imageUuid))
    .map((record) => ({
      record,
      layers: record.layers.map((digest, index) => ({
        digest,
        imageUuid: layerStackUuid(record.layers.slice(0, index + 1)),
        size: record.layerSizes?.[index],
      })),
    }));
  const holders = new Map<string, number>();
  for (const { layers } of images)
    for (const { imageUuid } of layers) holders.set(imageUuid, (holders.get(imageUuid) ?? 0) + 1);
  return images.flatMap(({ record, layers }) =>
    layers.map((layer) => ({
      ...layer,
      config: record.config,
      reference: record.references.at(-1),
      sharedWith: (holders.get(layer.imageUuid) ?? 1) - 1,
    })),
  );
}
