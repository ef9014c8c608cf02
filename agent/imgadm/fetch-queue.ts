// Fetches the layers of one image, a few at a time, in the order they will be installed.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { PullProgress } from "./images.ts";
import { fetchLayer, type FetchedLayer } from "./layers/fetch-layer.ts";
import type { ContentSource } from "./oci/content-source.ts";
import type { ImageLayer } from "./oci/resolve.ts";

export interface LayerQueue extends AsyncDisposable {
  /** The layer at `position`, whole and checked. Rejects with what went wrong with it, or with an earlier layer. */
  take(position: number): Promise<FetchedLayer>;
  /** Removes its file. */
  drop(position: number): Promise<void>;
}

export interface FetchAllOptions {
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
  const results = layers.map(() => Promise.withResolvers<FetchedLayer>());
  // Whoever takes a layer sees its error; one that is never taken must not count as unhandled.
  for (const { promise } of results) promise.catch(() => undefined);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let position = next++; position < layers.length; position = next++) {
      const layer = layers[position];
      const result = results[position];
      if (layer === undefined || result === undefined) return;
      try {
        signal.throwIfAborted();
        const file = join(options.directory, `layer-${position}.blob`);
        result.resolve(await fetchLayer(source, layer, file, { signal, onBytes: progress(layer, options.onProgress) }));
        options.onProgress?.({ type: "layer-done", layer: layer.digest });
      } catch (error) {
        result.reject(error);
        // The image cannot be installed any more; the other layers would be fetched for nothing.
        for (const { reject } of results) reject(error);
        stop.abort(error);
        return;
      }
    }
  };
  const workers = Promise.all(Array.from({ length: Math.min(options.concurrency, layers.length) }, worker));
  return {
    take: async (position) => {
      const result = results[position];
      if (result === undefined) throw new RangeError(`no layer ${position}`);
      return result.promise;
    },
    drop: (position) => rm(join(options.directory, `layer-${position}.blob`), { force: true }),
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
