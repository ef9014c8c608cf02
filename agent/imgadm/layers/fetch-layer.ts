// One pass over a layer on its way to disk: both digests, the sha1 imgadm wants, and a scan of the tar's headers.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { AgentError } from "../../errors/agent-error.ts";
import { digestFromHex } from "../../util/ids.ts";
import { formatBytes } from "../../util/units.ts";
import { LIMITS } from "../limits.ts";
import type { ContentSource } from "../oci/content-source.ts";
import type { ImageLayer } from "../oci/resolve.ts";
import type { Compression } from "./compression.ts";
import { hostile, parseEntry } from "./entry.ts";
import { readTar } from "./read-tar.ts";
import { LayerScan, unreadableTar } from "./scan.ts";

export interface FetchedLayer {
  readonly layer: ImageLayer;
  /** Where the blob lies. */
  readonly file: string;
  readonly compression: Compression;
  /** Hex, of the blob. */
  readonly sha1: string;
  readonly scan: LayerScan;
}

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (received: number) => void;
}

/**
 * Writes the blob to `file`, unless it lies in a file already, and checks it: size and digest, the tar inside against its diff id, and every header.
 * Memory stays flat. IMAGE_CORRUPT, LAYER_HOSTILE, IMAGE_UNSUPPORTED; the caller removes the file after an error.
 */
export async function fetchLayer(
  source: ContentSource,
  layer: ImageLayer,
  file: string,
  options: FetchOptions,
): Promise<FetchedLayer> {
  const name = layerName(layer);
  const sha256 = createHash("sha256");
  const sha1 = createHash("sha1");
  const inlet = new PassThrough({ highWaterMark: 256 * 1024 });
  let scanFailure: unknown;
  const scanning = scanLayer(inlet, layer).catch((error: unknown) => {
    scanFailure = error;
    inlet.destroy();
    return undefined;
  });
  let received = 0;
  const local = source.localFile?.(layer);
  const handle = local === undefined ? await open(file, "wx", 0o600) : undefined;
  try {
    for await (const chunk of source.blob(layer, options.signal)) {
      received += chunk.length;
      if (received > layer.size)
        throw new AgentError("IMAGE_CORRUPT", `${name}: more than its ${layer.size} bytes arrive`);
      sha256.update(chunk);
      sha1.update(chunk);
      if (handle) for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done)).bytesWritten;
      // A scan that failed on damaged bytes lets the rest pass, so that the digest can say what is wrong.
      if (!inlet.destroyed) await passOn(inlet, chunk);
      if (scanFailure instanceof AgentError && scanFailure.code !== "IMAGE_CORRUPT") throw scanFailure;
      options.onBytes?.(received);
    }
    inlet.end();
    const scanned = await scanning;
    if (received !== layer.size)
      throw new AgentError("IMAGE_CORRUPT", `${name} is truncated: ${received} of ${layer.size} bytes arrived`);
    const digest = digestFromHex(sha256.digest("hex"));
    if (digest !== layer.digest)
      throw new AgentError("IMAGE_CORRUPT", `${name} is damaged: the bytes received hash to ${digest}`);
    if (scanned === undefined) throw scanFailure;
    return { layer, file: local ?? file, sha1: sha1.digest("hex"), ...scanned };
  } finally {
    inlet.destroy();
    await scanning;
    await handle?.close();
  }
}

async function passOn(inlet: PassThrough, chunk: Uint8Array): Promise<void> {
  // Called with an error, too, when the stream is destroyed meanwhile; that error is the scan's to tell.
  await new Promise<void>((resolve) => inlet.write(chunk, () => resolve()));
}

/** Reads the tar of a layer to its end and checks it against the layer's diff id. */
async function scanLayer(
  packed: PassThrough,
  layer: ImageLayer,
): Promise<{ scan: LayerScan; compression: Compression }> {
  const name = layerName(layer);
  const scan = new LayerScan(name);
  const hash = createHash("sha256");
  let plain = 0;
  const onPlain = (chunk: Uint8Array): void => {
    hash.update(chunk);
    plain += chunk.length;
    if (plain > LIMITS.layerUnpacked)
      throw hostile(name, `it unpacks to more than ${formatBytes(LIMITS.layerUnpacked)}`);
    if (plain > LIMITS.ratioFrom && plain > layer.size * LIMITS.ratio)
      throw hostile(name, `it unpacks to more than ${LIMITS.ratio} times its size`);
  };
  try {
    const { compression, entries } = await readTar(packed, name, onPlain);
    for await (const entry of entries) {
      scan.add(parseEntry(entry.header, name));
      entry.resume();
    }
    const diffId = digestFromHex(hash.digest("hex"));
    if (diffId !== layer.diffId)
      throw new AgentError(
        "IMAGE_CORRUPT",
        `${name}: its content hashes to ${diffId}, the configuration says ${layer.diffId}`,
      );
    return { scan, compression };
  } catch (error) {
    throw error instanceof AgentError ? error : unreadableTar(name, error);
  }
}

export function layerName(layer: Pick<ImageLayer, "digest">): string {
  return `layer ${layer.digest}`;
}
