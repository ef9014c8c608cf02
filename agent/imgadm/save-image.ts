// Images out again, with the digests they came with. imgadm keeps trees, not layers; a packed layer is either kept
// beside the records (image-blobs.ts) or asked for once more where it came from (DECISIONS.md, "Saving images").
import { createHash } from "node:crypto";
import { z } from "zod";
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { digestFromHex, type Digest } from "../util/ids.ts";
import type { SavedDocument, SavedImage } from "./archive/write-archive.ts";
import type { ImageBlobs } from "./image-blobs.ts";
import type { ImageRecord } from "./images.ts";
import { sniffCompression } from "./layers/compression.ts";
import { LIMITS } from "./limits.ts";
import { parseImageDocument, type OciManifest } from "./oci/documents.ts";
import type { ContentSource } from "./oci/content-source.ts";
import type { RootDocument } from "./oci/resolve.ts";

/** A repository the image came from. */
export interface ImageOrigin extends ContentSource {
  root(signal: AbortSignal | undefined): Promise<RootDocument>;
}

export interface SaveContext {
  readonly blobs: ImageBlobs;
  /** Where the image may be asked for by digest, most likely first; may be empty. */
  readonly origins: (record: ImageRecord) => readonly ImageOrigin[];
}

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const mediaTypeOf = z.looseObject({ mediaType: z.string().optional() });

/** Everything an archive needs of the image; layers are opened later. IMAGE_BLOBS_MISSING tells what is not to be had. */
export async function collectImage(
  context: SaveContext,
  record: ImageRecord,
  references: readonly string[],
  signal: AbortSignal | undefined,
): Promise<SavedImage> {
  const { blobs } = context;
  const opened = new Map<Digest, ContentSource>();
  const open = async function* (layer: { readonly digest: Digest; readonly size: number }): AsyncGenerator<Uint8Array> {
    if ((await blobs.size(layer.digest)) !== undefined) yield* blobs.stream(layer.digest, signal);
    else yield* fetched(record, opened.get(layer.digest), layer, signal);
  };
  if (record.manifest === undefined) return { references, open, ...(await describeLoaded(blobs, record)) };

  const { manifest, parsed, origin } = await findManifest(context, record, record.manifest, signal);
  const config = await findConfig(context, record, parsed, origin, signal);
  const layers = parsed.layers.map(({ digest, size }) => ({ digest, size }));
  for (const { digest } of layers) {
    if ((await blobs.size(digest)) !== undefined) continue;
    const source = origin ?? context.origins(record)[0];
    if (source === undefined) throw missing(record, `layer ${digest}`);
    opened.set(digest, source);
  }
  return { references, open, manifest, config, layers };
}

async function* fetched(
  record: ImageRecord,
  source: ContentSource | undefined,
  layer: { readonly digest: Digest; readonly size: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (source === undefined) throw missing(record, `layer ${layer.digest}`);
  try {
    yield* source.blob(layer, signal ?? new AbortController().signal);
  } catch (error) {
    // The registry has it no more, or another; what is wrong with the way there is told as it is.
    if (hasCode(error, "IMAGE_NOT_FOUND") || hasCode(error, "IMAGE_CORRUPT"))
      throw missing(record, `layer ${layer.digest}`, error);
    throw error;
  }
}

/** Of a docker archive nobody has a manifest; one is made of what is kept, the same each time. */
async function describeLoaded(
  blobs: ImageBlobs,
  record: ImageRecord,
): Promise<Pick<SavedImage, "manifest" | "config" | "layers">> {
  const bytes = await blobs.read(record.config);
  if (bytes === undefined) throw missing(record, `configuration ${record.config}`);
  const layers = [];
  for (const digest of record.layers) {
    const size = await blobs.size(digest);
    if (size === undefined) throw missing(record, `layer ${digest}`);
    const compression = sniffCompression(await headOf(blobs, digest), `layer ${digest}`);
    const suffix = compression === "none" ? "" : `+${compression}`;
    layers.push({ mediaType: `application/vnd.oci.image.layer.v1.tar${suffix}`, digest, size });
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: record.config, size: bytes.length },
      layers,
    }),
  );
  return {
    config: { digest: record.config, bytes },
    manifest: { digest: sha256(manifest), bytes: manifest, mediaType: OCI_MANIFEST },
    layers,
  };
}

async function headOf(blobs: ImageBlobs, digest: Digest): Promise<Uint8Array> {
  for await (const chunk of blobs.stream(digest, undefined)) return chunk;
  return new Uint8Array();
}

async function findManifest(
  context: SaveContext,
  record: ImageRecord,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<{ manifest: SavedImage["manifest"]; parsed: OciManifest; origin: ContentSource | undefined }> {
  const kept = await context.blobs.read(digest);
  if (kept !== undefined) return { ...describeManifest(record, { digest, bytes: kept }), origin: undefined };
  let reason: unknown;
  for (const origin of context.origins(record)) {
    try {
      const { bytes } = await origin.root(signal);
      return { ...describeManifest(record, { digest, bytes }), origin };
    } catch (error) {
      signal?.throwIfAborted();
      reason ??= error;
    }
  }
  throw missing(record, `manifest ${digest}`, reason);
}

function describeManifest(
  record: ImageRecord,
  document: SavedDocument,
): { manifest: SavedImage["manifest"]; parsed: OciManifest } {
  const what = `manifest ${document.digest} of ${nameOf(record)}`;
  const parsed = parseImageDocument(document.bytes, undefined, what);
  if (parsed.kind !== "manifest") throw new AgentError("IMAGE_CORRUPT", `${what} is an index`);
  const told = mediaTypeOf.safeParse(JSON.parse(Buffer.from(document.bytes).toString("utf8")));
  return { manifest: { ...document, mediaType: told.data?.mediaType ?? OCI_MANIFEST }, parsed: parsed.manifest };
}

async function findConfig(
  context: SaveContext,
  record: ImageRecord,
  manifest: OciManifest,
  origin: ContentSource | undefined,
  signal: AbortSignal | undefined,
): Promise<SavedDocument> {
  const { digest } = manifest.config;
  const kept = await context.blobs.read(digest);
  if (kept !== undefined) return { digest, bytes: kept };
  let reason: unknown;
  for (const source of origin === undefined ? context.origins(record) : [origin]) {
    try {
      return { digest, bytes: await source.document(manifest.config, LIMITS.config, signal) };
    } catch (error) {
      signal?.throwIfAborted();
      reason ??= error;
    }
  }
  throw missing(record, `configuration ${digest}`, reason);
}

function missing(record: ImageRecord, what: string, reason?: unknown): AgentError {
  return new AgentError(
    "IMAGE_BLOBS_MISSING",
    `image ${nameOf(record)} cannot be saved: its ${what} is not kept here`,
    {
      ...(reason === undefined ? {} : { cause: reason }),
      hint: "make its registry reachable, or set `images.keepBlobs: all` and pull or load it again",
    },
  );
}

function nameOf(record: ImageRecord): string {
  return record.references.at(-1) ?? record.config;
}

function sha256(bytes: Uint8Array): Digest {
  return digestFromHex(createHash("sha256").update(bytes).digest("hex"));
}
