// Fetches the layers of one image, a few at a time, in the order they will be installed. A layer that occurs twice in
// an image is fetched once.
import { rm } from "node:fs/promises";
import type { Digest } from "../util/ids.ts";
import type { PullProgress } from "./images.ts";
import { fetchLayer, type FetchedLayer } from "./layers/fetch-layer.ts";
import type { ContentSource } from "./oci/content-source.ts";
import type { ImageLayer } from "./oci/resolve.ts";
import { blobPath } from "./scratch.ts";

export interface LayerQueue extends AsyncDisposable {
  /** The layer at `position`, whole and checked. Rejects with what went wrong with it, or with an earlier layer. */
  take(position: number): Promise<FetchedLayer>;
  /** Removes its file, unless a later position needs it again. */
  drop(position: number): Promise<void>;
}

export interface FetchAllOptions {
  /** The operation's own; may hold what an earlier operation kept of a layer (scratch.ts). */
  readonly directory: string;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((event: PullProgress) => void) | undefined;
}

/** At most one progress event per layer in this time. */
const PROGRESS_INTERVAL_MS = 100;

/** Starts at once. Disposing gives up what is still under way and waits for it to end. */
export function fetchAll(source: ContentSource, layers: readonly ImageLayer[], options: FetchAllOptions): LayerQueue {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const results = new Map(layers.map((layer) => [layer.digest, Promise.withResolvers<FetchedLayer>()]));
  // Whoever takes a layer sees its error; one that is never taken must not count as unhandled.
  for (const { promise } of results.values()) promise.catch(() => undefined);
  const pending = [...new Map(layers.map((layer) => [layer.digest, layer])).values()].values();
  const worker = async (): Promise<void> => {
    for (const layer of pending) {
      const result = results.get(layer.digest);
      if (result === undefined) return;
      try {
        signal.throwIfAborted();
        const file = blobPath(options.directory, layer.digest);
        const onKept = (bytes: number): void =>
          options.onProgress?.({ type: "layer-resumed", layer: layer.digest, bytes });
        const onBytes = progress(layer, options.onProgress);
        result.resolve(await fetchLayer(source, layer, file, { signal, onBytes, onKept }));
        options.onProgress?.({ type: "layer-done", layer: layer.digest });
      } catch (error) {
        result.reject(error);
        // The image cannot be installed any more; the other layers would be fetched for nothing.
        for (const { reject } of results.values()) reject(error);
        stop.abort(error);
        return;
      }
    }
  };
  const workers = Promise.all(Array.from({ length: Math.min(options.concurrency, results.size) }, worker));
  const digestAt = (position: number): Digest => {
    const layer = layers[position];
    if (layer === undefined) throw new RangeError(`no layer ${position}`);
    return layer.digest;
  };
  return {
    take: async (position) => {
      const result = results.get(digestAt(position));
      if (result === undefined) throw new RangeError(`no layer ${position}`);
      return result.promise;
    },
    drop: async (position) => {
      const digest = digestAt(position);
      if (layers.findLastIndex((layer) => layer.digest === digest) > position) return;
      await rm(blobPath(options.directory, digest), { force: true });
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await workers;
    },
  };
}

function progress(layer: ImageLayer, onProgress: ((event: PullProgress) => void) | undefined): (bytes: number) => void {
  if (onProgress === undefined) return () => undefined;
  let last = 0;
  return (bytes) => {
    const now = performance.now();
    if (now - last < PROGRESS_INTERVAL_MS && bytes !== layer.size) return;
    last = now;
    onProgress({ type: "layer-progress", layer: layer.digest, bytes, total: layer.size });
  };
}
