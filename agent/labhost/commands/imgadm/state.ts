// Which images are installed. A dataset decides; the JSON file in /var/imgadm/images only remembers its manifest
// (imgadm.md 2).
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Dataset } from "../../datasets.ts";
import { datasetStore } from "../../datasets.ts";
import type { Lab } from "../../lab.ts";
import { listZoneUuids } from "../../zone-store.ts";
import { ImgadmCrash, notInstalled } from "./errors.ts";

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export type Manifest = Readonly<Record<string, unknown>> & { readonly uuid: string };

export interface ImageInfo {
  readonly manifest: Manifest;
  readonly zpool: string;
  readonly source?: string;
}

export interface InstalledImage extends ImageInfo {
  /** Datasets that are clones of it, whatever they are called. */
  readonly allClones: readonly string[];
  /** Those of them `list` counts: VMs and images by the form of their name. */
  readonly cloneNames: readonly string[];
}

function imageFile(lab: Lab, pool: string, uuid: string): string {
  return lab.path(`/var/imgadm/images/${pool}-${uuid}.json`);
}

/** Written in place, as imgadm does: a death in the middle leaves a truncated file. */
export async function writeImageInfo(lab: Lab, info: ImageInfo): Promise<void> {
  const file = imageFile(lab, info.zpool, info.manifest.uuid);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(info, null, 2)}\n`);
}

export async function removeImageInfo(lab: Lab, pool: string, uuid: string): Promise<void> {
  await rm(imageFile(lab, pool, uuid), { force: true });
}

/** A dataset without its file is an image of which only the uuid is known. A corrupt file kills imgadm. */
async function readImageInfo(lab: Lab, pool: string, uuid: string): Promise<ImageInfo> {
  let text: string;
  try {
    text = await readFile(imageFile(lab, pool, uuid), "utf8");
  } catch {
    return { manifest: { uuid }, zpool: pool };
  }
  try {
    return JSON.parse(text) as ImageInfo;
  } catch (error) {
    throw new ImgadmCrash(`SyntaxError: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** All images of all pools, in the order of `zfs list`. */
export async function loadImages(lab: Lab): Promise<InstalledImage[]> {
  const datasets = await datasetStore(lab).list();
  const zonepaths = configuredZonepaths(lab);
  return Promise.all(
    datasets
      .filter((dataset) => isImage(dataset, datasets, zonepaths))
      .map(async (dataset) => {
        const [pool = "", uuid = ""] = dataset.name.split("/");
        const info = await readImageInfo(lab, pool, uuid);
        const allClones = clonesOf(dataset.name, datasets);
        return { ...info, allClones, cloneNames: allClones.filter((name) => COUNTED_CLONE.test(name)) };
      }),
  );
}

/** `<zp>/<uuid>`, `<zp>/<uuid>-diskN`, `<zp>/<uuid>/diskN` (imgadm.md 3.3). */
const COUNTED_CLONE = /^[^/]+\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:[-/]disk\d+)?$/;
/** A pool with a digit in its name has no images (imgadm.md 2). */
const IMAGE_NAME = /^[a-zA-Z][a-zA-Z._-]*\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Any dataset of the form `<zp>/<uuid>` counts, with the exceptions of imgadm.md 2. */
function isImage(dataset: Dataset, datasets: readonly Dataset[], zonepaths: ReadonlySet<string>): boolean {
  if (dataset.type === "snapshot" || !IMAGE_NAME.test(dataset.name)) return false;
  const ignore = dataset.properties["imgadm:ignore"];
  if (ignore === "true" || ignore === "yes") return false;
  const hasFinal = datasets.some((other) => other.name === `${dataset.name}@final`);
  if (dataset.origin?.endsWith("@final") === true && !hasFinal) return false;
  return dataset.mountpoint === undefined || !zonepaths.has(dataset.mountpoint);
}

function clonesOf(name: string, datasets: readonly Dataset[]): string[] {
  return datasets.filter((other) => other.origin?.startsWith(`${name}@`) === true).map((other) => other.name);
}

/** What `zoneadm list -pc` tells imgadm. */
function configuredZonepaths(lab: Lab): ReadonlySet<string> {
  return new Set(listZoneUuids(lab).map((uuid) => `/zones/${uuid}`));
}

export async function loadImage(lab: Lab, pool: string, uuid: string): Promise<InstalledImage> {
  const images = await loadImages(lab);
  const image = images.find((candidate) => candidate.zpool === pool && candidate.manifest.uuid === uuid);
  if (!image) throw notInstalled(uuid, pool);
  return image;
}

/** `<uuid> (<name>@<version>)`, or only the uuid when nothing else is known. */
export function describe(manifest: Manifest): string {
  const { uuid, name, version } = manifest;
  return typeof name === "string" ? `${uuid} (${name}@${String(version)})` : uuid;
}
