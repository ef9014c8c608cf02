// What `zonelet images` shows: our records, and what others brought that a container can be made of.
import type { ImageLookup } from "./find-image.ts";
import type { ImageListing, ImageRecord } from "./images.ts";
import { isOurs } from "./layer-manifest.ts";
import { imageUuid, type InstalledImage } from "./schema.ts";

/** One row per name, or one without a name for an image that has none. Images whose dataset is gone are left out. */
export async function listImages(
  { imgadm, records }: ImageLookup,
  signal: AbortSignal | undefined,
): Promise<readonly ImageListing[]> {
  const [known, installed] = await Promise.all([records.all(), imgadm.list({ signal })]);
  const present = new Set(installed.map(({ manifest }) => manifest.uuid));
  const rows = known.filter((record) => present.has(record.imageUuid)).flatMap(recordRows);
  const recorded = new Set<string>(known.map((record) => record.imageUuid));
  const origins = new Set(installed.flatMap(({ manifest }) => manifest.origin ?? []));
  // Lower layers are not images anybody runs; ours without a record are left-overs of an interrupted removal or pull.
  const others = installed.filter(
    (image) => !recorded.has(image.manifest.uuid) && !origins.has(image.manifest.uuid) && !isOurs(image),
  );
  return [...rows, ...others.flatMap(foreignRow)];
}

function recordRows(record: ImageRecord): readonly ImageListing[] {
  const names = record.references.length === 0 ? [undefined] : record.references;
  return names.map((reference) => ({
    reference,
    config: record.config,
    imageUuid: record.imageUuid,
    manifest: record.manifest,
    labels: record.configuration.config?.Labels ?? {},
    size: record.size,
    createdAt: record.createdAt,
    ours: true,
    type: "docker",
  }));
}

function foreignRow({ manifest }: InstalledImage): readonly ImageListing[] {
  const uuid = imageUuid.safeParse(manifest.uuid);
  // zone-datasets and volumes cannot hold a container.
  if (!uuid.success || (manifest.type !== "docker" && manifest.type !== "lx-dataset")) return [];
  const tags = Object.keys(manifest.tags ?? {}).flatMap((tag) =>
    tag.startsWith("docker:tag:") ? [tag.slice(11)] : [],
  );
  const repository = manifest.tags?.["docker:repo"];
  const references: readonly (string | undefined)[] =
    manifest.type === "lx-dataset"
      ? [`${manifest.name ?? ""}@${manifest.version ?? ""}`]
      : typeof repository === "string" && tags.length > 0
        ? tags.map((tag) => `${repository}:${tag}`)
        : [undefined];
  return references.map((reference) => ({
    reference,
    config: undefined,
    imageUuid: uuid.data,
    manifest: undefined,
    labels: {},
    size: manifest.files?.[0]?.size,
    createdAt: manifest.published_at,
    ours: false,
    type: manifest.type,
  }));
}
