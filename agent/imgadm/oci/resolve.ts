// From an index or manifest to the one image that runs here: its configuration and its layers.
import { AgentError } from "../../errors/agent-error.ts";
import { imageConfigSchema, type ImageConfig } from "../../spec/image-config.ts";
import { isDigest, type Digest } from "../../util/ids.ts";
import { formatBytes } from "../../util/units.ts";
import { LIMITS } from "../limits.ts";
import type { ContentSource } from "./content-source.ts";
import { parseImageDocument, parseJson, parseWith, type Descriptor, type OciManifest } from "./documents.ts";
import { isForeignLayerType, isLayerType } from "./media-types.ts";
import { isRunnable, offeredPlatforms, platformText, runnableEntries } from "./platform.ts";

export interface ImageLayer {
  /** Digest of the blob as it is stored: what imgadm's uuids are made of. */
  readonly digest: Digest;
  /** Bytes of the blob. */
  readonly size: number;
  /** Digest of the tar inside. */
  readonly diffId: Digest;
}

/** An image whose documents have been read and checked; its layers have not been touched. */
export interface ResolvedImage {
  readonly config: Digest;
  readonly manifest: Digest | undefined;
  readonly platform: string;
  readonly configuration: ImageConfig;
  readonly layers: readonly ImageLayer[];
  /** Manifest (where there is one) and configuration as they came: their digests are names. */
  readonly documents: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[];
  readonly source: ContentSource;
}

export interface RootDocument {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly contentType: string | undefined;
}

const MAX_NESTING = 3;

/**
 * Chooses linux/amd64 below `root` and reads manifest and configuration. `name` is how people call the image.
 * IMAGE_NO_AMD64 names what there is instead; IMAGE_UNSUPPORTED for artifacts, schema 1 and foreign layers.
 */
export async function resolveImage(
  source: ContentSource,
  root: RootDocument,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ResolvedImage> {
  const offered = new Set<string>();
  const found = await searchImage(source, root, name, offered, signal);
  if (found) return found;
  throw noAmd64(name, [...offered]);
}

/**
 * As {@link resolveImage}, but undefined where nothing runs here; what there is instead is added to `offered`.
 * `depth`: how many indexes lie above.
 */
export async function searchImage(
  source: ContentSource,
  root: RootDocument,
  name: string,
  offered: Set<string>,
  signal: AbortSignal | undefined,
  depth = 0,
): Promise<ResolvedImage | undefined> {
  const document = parseImageDocument(root.bytes, root.contentType, `manifest ${root.digest} of ${name}`);
  if (document.kind === "manifest") return openManifest(source, document.manifest, root, name, signal, offered);
  if (depth >= MAX_NESTING)
    throw new AgentError("IMAGE_UNSUPPORTED", `${name}: indexes are nested more than ${MAX_NESTING} deep`);
  for (const platform of offeredPlatforms(document.index.manifests)) offered.add(platform);
  for (const entry of runnableEntries(document.index.manifests)) {
    const bytes = await source.document(entry, LIMITS.manifest, signal);
    const inner = { bytes, digest: entry.digest, contentType: entry.mediaType };
    const found = await searchImage(source, inner, name, offered, signal, depth + 1);
    if (found) return found;
  }
  return undefined;
}

async function openManifest(
  source: ContentSource,
  manifest: OciManifest,
  root: RootDocument,
  name: string,
  signal: AbortSignal | undefined,
  offered: Set<string>,
): Promise<ResolvedImage | undefined> {
  refuseArtifacts(manifest, name);
  const bytes = await source.document(manifest.config, LIMITS.config, signal);
  const configuration = parseConfiguration(bytes, name);
  const platform = {
    os: configuration.os ?? "",
    architecture: configuration.architecture ?? "",
    variant: configuration.variant,
  };
  if (!isRunnable(platform)) {
    offered.add(platformText(platform));
    return undefined;
  }
  return {
    config: manifest.config.digest,
    manifest: root.digest,
    platform: platformText(platform),
    configuration,
    layers: joinLayers(manifest.layers, configuration, name),
    documents: [
      { digest: root.digest, bytes: root.bytes },
      { digest: manifest.config.digest, bytes },
    ],
    source,
  };
}

function refuseArtifacts(manifest: OciManifest, name: string): void {
  const artifact = manifest.config.mediaType;
  if (artifact.includes("in-toto") || artifact.includes("oci.empty") || artifact.includes("helm"))
    throw new AgentError("IMAGE_UNSUPPORTED", `${name} is an artifact (${artifact}), not an image that can run`);
  for (const layer of manifest.layers) {
    if (isForeignLayerType(layer.mediaType))
      throw new AgentError(
        "IMAGE_UNSUPPORTED",
        `${name}: layer ${layer.digest} is a foreign layer (${layer.mediaType})`,
        {
          hint: "foreign layers are kept outside the registry, in practice by Windows images only",
        },
      );
    if (layer.mediaType !== "" && !isLayerType(layer.mediaType))
      throw new AgentError("IMAGE_UNSUPPORTED", `${name}: layer ${layer.digest} has the type ${layer.mediaType}`);
  }
}

/** Parses a configuration; IMAGE_CORRUPT where it is none. */
export function parseConfiguration(bytes: Uint8Array, name: string): ImageConfig {
  const what = `configuration of ${name}`;
  return parseWith(imageConfigSchema, parseJson(bytes, what), what);
}

function joinLayers(layers: readonly Descriptor[], configuration: ImageConfig, name: string): readonly ImageLayer[] {
  const diffIds = checkedDiffIds(configuration, layers.length, name);
  refuseGiants(layers, name);
  return layers.map(({ digest, size }, index) => {
    const diffId = diffIds[index];
    if (diffId === undefined) throw new AgentError("IMAGE_CORRUPT", `${name}: layer ${index + 1} has no diff id`);
    return { digest, size, diffId };
  });
}

/** Sizes as the manifest claims them; more than claimed is refused while it arrives. */
function refuseGiants(layers: readonly Descriptor[], name: string): void {
  const giant = layers.find(({ size }) => size > LIMITS.layer);
  if (giant !== undefined)
    throw new AgentError(
      "IMAGE_UNSUPPORTED",
      `${name}: layer ${giant.digest} has ${formatBytes(giant.size)}, more than ${formatBytes(LIMITS.layer)}`,
    );
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  if (total > LIMITS.image)
    throw new AgentError(
      "IMAGE_UNSUPPORTED",
      `${name} has ${formatBytes(total)}, more than the ${formatBytes(LIMITS.image)} an image may have`,
    );
}

/**
 * `rootfs.diff_ids` of a configuration that must describe `count` layers. IMAGE_CORRUPT where the numbers differ,
 * IMAGE_UNSUPPORTED without any layer: there is nothing to make a zone of.
 */
export function checkedDiffIds(configuration: ImageConfig, count: number, name: string): readonly Digest[] {
  const { rootfs, history } = configuration;
  if (rootfs !== undefined && rootfs.type !== "layers")
    throw new AgentError("IMAGE_UNSUPPORTED", `${name}: rootfs.type is "${rootfs.type}", not "layers"`);
  const diffIds = (rootfs?.diff_ids ?? []).map((text) => {
    if (!isDigest(text)) throw new AgentError("IMAGE_CORRUPT", `${name}: diff id "${text}" is not a sha256 digest`);
    return text;
  });
  if (diffIds.length !== count)
    throw new AgentError(
      "IMAGE_CORRUPT",
      `${name}: ${count} layers, but ${diffIds.length} diff ids in its configuration`,
    );
  if (count === 0) throw new AgentError("IMAGE_UNSUPPORTED", `${name} has no layers: there is nothing to run`);
  const filled = history?.filter((entry) => entry.empty_layer !== true).length;
  if (filled !== undefined && filled !== 0 && filled !== count)
    throw new AgentError("IMAGE_CORRUPT", `${name}: its history tells of ${filled} layers, but there are ${count}`);
  return diffIds;
}

/** The message of users-and-ecosystem.md A4. */
export function noAmd64(name: string, offered: readonly string[]): AgentError {
  const has = offered.length === 0 ? "" : ` (has: ${offered.join(", ")})`;
  return new AgentError("IMAGE_NO_AMD64", `no linux/amd64 image in ${name}${has}`);
}
