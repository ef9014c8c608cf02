// From what a person or a spec says to an image this node has.
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { imageConfigSchema } from "../spec/image-config.ts";
import { isDigest, isImageUuid } from "../util/ids.ts";
import type { Imgadm } from "./client.ts";
import type { ImageRecords } from "./image-records.ts";
import type { ImageRecord, RunnableImage } from "./images.ts";
import { dockerRepo } from "./layer-manifest.ts";
import { parseReference } from "./reference.ts";
import { imageUuid, type InstalledImage } from "./schema.ts";

export interface ImageLookup {
  readonly imgadm: Imgadm;
  readonly records: ImageRecords;
}

/**
 * Records that `text` names, best meaning only: whole digest, image uuid, reference, prefix of a digest. Several are
 * returned for an image uuid (one stack, many configurations), newest pull last.
 * IMAGE_REFERENCE_AMBIGUOUS when a prefix fits several configurations.
 */
export function matchRecords(records: readonly ImageRecord[], text: string): readonly ImageRecord[] {
  if (isDigest(text)) return records.filter(({ config, manifest }) => config === text || manifest === text);
  if (isImageUuid(text)) return records.filter((record) => record.imageUuid === text);
  const prefix = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1];
  const canonical = canonicalOrUndefined(text, prefix !== undefined);
  const named = records.filter(({ references }) => canonical !== undefined && references.includes(canonical));
  if (named.length > 0 || prefix === undefined) return named.slice(-1);
  const fitting = records.filter(({ config }) => config.startsWith(`sha256:${prefix}`));
  if (fitting.length > 1)
    throw new AgentError("IMAGE_REFERENCE_AMBIGUOUS", `"${text}" fits ${fitting.length} images`, {
      hint: `write more digits: ${fitting.map(({ config }) => config.slice(7, 7 + prefix.length + 4)).join(", ")}`,
    });
  return fitting;
}

/** `lenient`: a text that may be a digest's prefix need not be a reference. */
function canonicalOrUndefined(text: string, lenient: boolean): string | undefined {
  try {
    return parseReference(text).canonical;
  } catch (error) {
    if (lenient) return undefined;
    throw error;
  }
}

/** undefined when the node has no such image, or has lost its dataset. IMAGE_REFERENCE_INVALID for nonsense. */
export async function findImage(
  { imgadm, records }: ImageLookup,
  text: string,
  signal: AbortSignal | undefined,
): Promise<RunnableImage | undefined> {
  const { matches, invalid } = recordsNamed(await records.all(), text);
  const record = matches.at(-1);
  if (record !== undefined) {
    const installed = await imgadm.get(record.imageUuid, { signal });
    return installed === undefined ? undefined : ofRecord(record, installed);
  }
  if (isImageUuid(text)) {
    const installed = await imgadm.get(text, { signal });
    return installed === undefined ? undefined : foreign(installed);
  }
  if (isDigest(text) || /^(?:sha256:)?[0-9a-f]{64}$/.test(text)) return undefined;
  const known = (await imgadm.list({ signal })).find((installed) => isNamed(installed, text));
  if (known !== undefined) return foreign(known);
  if (invalid !== undefined) throw invalid;
  return undefined;
}

/**
 * {@link matchRecords} for texts that may also name an image of others: `invalid` tells why the text is no reference,
 * to be raised when nothing else is called so.
 */
export function recordsNamed(
  records: readonly ImageRecord[],
  text: string,
): { readonly matches: readonly ImageRecord[]; readonly invalid?: AgentError } {
  try {
    return { matches: matchRecords(records, text) };
  } catch (error) {
    if (hasCode(error, "IMAGE_REFERENCE_INVALID")) return { matches: [], invalid: error };
    throw error;
  }
}

function ofRecord(record: ImageRecord, installed: InstalledImage): RunnableImage {
  return {
    imageUuid: record.imageUuid,
    record,
    configuration: record.configuration,
    type: installed.manifest.type ?? "docker",
    ...kernelVersion(installed),
  };
}

/** An image somebody else brought: its tags are all there is to take defaults from. */
function foreign(installed: InstalledImage): RunnableImage | undefined {
  const { manifest } = installed;
  const uuid = imageUuid.safeParse(manifest.uuid);
  if (!uuid.success || (manifest.type !== "docker" && manifest.type !== "lx-dataset")) return undefined;
  const defaults = imageConfigSchema.safeParse({
    os: manifest.os,
    architecture: manifest.tags?.["docker:architecture"],
    config: manifest.tags?.["docker:config"],
  });
  return {
    imageUuid: uuid.data,
    configuration: defaults.success ? defaults.data : imageConfigSchema.parse({}),
    type: manifest.type,
    ...kernelVersion(installed),
  };
}

function kernelVersion({ manifest }: InstalledImage): { kernelVersion?: string } {
  const version = manifest.tags?.["kernel_version"];
  return typeof version === "string" ? { kernelVersion: version } : {};
}

/** imgadm keeps repository and tags as tags of its own (imgadm.md 5); lx-datasets go by `name@version` or `name:version`. */
export function isNamed({ manifest }: InstalledImage, text: string): boolean {
  if (manifest.type === "lx-dataset")
    return (
      text === `${manifest.name ?? ""}@${manifest.version ?? ""}` ||
      text === `${manifest.name ?? ""}:${manifest.version ?? ""}`
    );
  const repository = manifest.tags?.["docker:repo"];
  if (manifest.type !== "docker" || typeof repository !== "string") return false;
  const reference = parsedOrUndefined(text);
  return (
    reference?.tag !== undefined &&
    reference.digest === undefined &&
    dockerRepo(reference) === repository &&
    manifest.tags?.[`docker:tag:${reference.tag}`] === true
  );
}

function parsedOrUndefined(text: string): ReturnType<typeof parseReference> | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}
