// One pass over a layer on its way to disk: both digests, the sha1 imgadm wants, and a scan of the tar's headers.
import { createHash } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { PassThrough } from "node:stream";
import { AgentError, hasCode } from "../../errors/agent-error.ts";
import { digestFromHex } from "../../util/ids.ts";
import { formatBytes, KIB } from "../../util/units.ts";
import { tellFullDisk } from "../disk-space.ts";
import { LIMITS } from "../limits.ts";
import type { ContentSource } from "../oci/content-source.ts";
import type { ImageLayer } from "../oci/resolve.ts";
import type { Compression } from "./compression.ts";
import { hostile, parseEntry } from "./entry.ts";
import { HeaderGuard } from "./header-guard.ts";
import { readTar } from "./read-tar.ts";
import { LayerScan, unreadableTar } from "./scan.ts";

const CHUNK = 256 * KIB;

export interface FetchedLayer {
  readonly layer: ImageLayer;
  /** Where the blob lies. */
  readonly file: string;
  readonly compression: Compression;
  /** Hex, of the blob. */
  readonly sha1: string;
  /** Bytes of the tar inside. */
  readonly unpacked: number;
  readonly scan: LayerScan;
}

export interface FetchOptions {
  readonly signal: AbortSignal;
  /** Bytes of the blob so far, those that were there before included. */
  readonly onBytes?: (received: number) => void;
  /** Told once, when `file` holds the beginning (or all) of the blob already. */
  readonly onKept?: (bytes: number) => void;
}

/**
 * Writes the blob to `file`, unless it lies in a file already, and checks it: size and digest, the tar inside against
 * its diff id, and every header. What `file` holds from an earlier try is taken as the blob's beginning and checked with
 * the rest; where that turns out wrong, everything is fetched anew. Memory stays flat. IMAGE_CORRUPT, LAYER_HOSTILE,
 * IMAGE_UNSUPPORTED (then the file is gone), DISK_FULL. After any other error, an abort included, the file stays and a
 * repeat goes on where this try ended.
 */
export async function fetchLayer(
  source: ContentSource,
  layer: ImageLayer,
  file: string,
  options: FetchOptions,
): Promise<FetchedLayer> {
  const local = source.localFile?.(layer);
  if (local !== undefined) return await passLayer(source.blob(layer, options.signal), layer, local, options);
  await using handle = await open(file, "a+", 0o600);
  try {
    const kept = (await handle.stat()).size;
    if (kept > 0 && kept <= layer.size) {
      options.onKept?.(kept);
      try {
        return await passLayer(keptThenFetched(source, layer, handle, kept, options.signal), layer, file, options);
      } catch (error) {
        if (!hasCode(error, "IMAGE_CORRUPT")) throw error;
      }
    }
    await handle.truncate(0);
    return await passLayer(written(source.blob(layer, options.signal), handle), layer, file, options);
  } catch (error) {
    if (WORTHLESS.some((code) => hasCode(error, code))) await rm(file, { force: true });
    throw await tellFullDisk(error, dirname(file), layerName(layer));
  }
}

/** After these the bytes on disk are of no use to anybody. */
const WORTHLESS = ["IMAGE_CORRUPT", "LAYER_HOSTILE", "IMAGE_UNSUPPORTED"] as const;

async function* keptThenFetched(
  source: ContentSource,
  layer: ImageLayer,
  handle: FileHandle,
  kept: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const beginning = handle.createReadStream({ start: 0, end: kept - 1, autoClose: false, highWaterMark: CHUNK });
  for await (const chunk of beginning) if (chunk instanceof Uint8Array) yield chunk;
  if (kept < layer.size) yield* written(source.blob(layer, signal, kept), handle);
}

/** Appends the chunks to the file before they are passed on. */
async function* written(chunks: AsyncIterable<Uint8Array>, handle: FileHandle): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done)).bytesWritten;
    yield chunk;
  }
}

/** Hashes and scans the chunks while they pass. */
async function passLayer(
  chunks: AsyncIterable<Uint8Array>,
  layer: ImageLayer,
  file: string,
  options: FetchOptions,
): Promise<FetchedLayer> {
  const name = layerName(layer);
  const sha256 = createHash("sha256");
  const sha1 = createHash("sha1");
  const inlet = new PassThrough({ highWaterMark: CHUNK });
  let scanFailure: unknown;
  const scanning = scanLayer(inlet, layer).catch((error: unknown) => {
    scanFailure = error;
    inlet.destroy();
    return undefined;
  });
  let received = 0;
  try {
    for await (const chunk of chunks) {
      received += chunk.length;
      if (received > layer.size)
        throw new AgentError("IMAGE_CORRUPT", `${name}: more than its ${layer.size} bytes arrive`);
      sha256.update(chunk);
      sha1.update(chunk);
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
    return { layer, file, sha1: sha1.digest("hex"), ...scanned };
  } finally {
    inlet.destroy();
    await scanning;
  }
}

async function passOn(inlet: PassThrough, chunk: Uint8Array): Promise<void> {
  // A stream destroyed while it holds a chunk back for a slow reader forgets that chunk's callback; it closes, though.
  await new Promise<void>((resolve) => {
    const done = (): void => {
      inlet.off("close", done);
      resolve();
    };
    inlet.once("close", done);
    inlet.write(chunk, done);
  });
}

/** Reads the tar of a layer to its end and checks it against the layer's diff id. */
async function scanLayer(
  packed: PassThrough,
  layer: ImageLayer,
): Promise<Pick<FetchedLayer, "scan" | "compression" | "unpacked">> {
  const name = layerName(layer);
  const scan = new LayerScan(name);
  const hash = createHash("sha256");
  const guard = new HeaderGuard(name);
  let plain = 0;
  const onPlain = (chunk: Uint8Array): void => {
    guard.push(chunk);
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
    return { scan, compression, unpacked: plain };
  } catch (error) {
    throw error instanceof AgentError ? error : unreadableTar(name, error);
  }
}

export function layerName(layer: Pick<ImageLayer, "digest">): string {
  return `layer ${layer.digest}`;
}
