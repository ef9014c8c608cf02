// What is known of a pull at a moment, from its events: pure, so that both ways of showing it agree.
import type { PullProgress } from "../imgadm/images.ts";

export interface LayerView {
  /** First twelve digits of the digest. */
  readonly name: string;
  readonly mark: "fetching" | "verifying" | "fetched" | "installing";
  readonly bytes: number;
  readonly total: number | undefined;
  /** Bytes that were here before. */
  readonly resumedAt: number | undefined;
  /** Bytes per second of late; undefined while too little is known. */
  readonly speed: number | undefined;
}

/** Speed is that of the last seconds. */
const WINDOW_MS = 4_000;

interface Layer {
  mark: "fetching" | "fetched" | "installing" | "gone";
  bytes: number;
  total: number | undefined;
  resumedAt: number | undefined;
  samples: { readonly at: number; readonly bytes: number }[];
}

export class PullView {
  readonly #layers = new Map<string, Layer>();
  #count = 0;
  #waitingFor: string | undefined;

  /** `now`: milliseconds of a clock that never goes back. */
  take(event: PullProgress, now: number): void {
    this.#waitingFor = event.type === "waiting" ? event.what : undefined;
    switch (event.type) {
      case "resolving":
      case "waiting":
        break;
      case "resolved":
        this.#count = event.layers;
        this.#layers.clear();
        break;
      case "layer-present":
      case "layer-installed":
        this.#layer(event.layer).mark = "gone";
        break;
      case "layer-resumed": {
        const layer = this.#layer(event.layer);
        layer.resumedAt = event.bytes;
        break;
      }
      case "layer-progress": {
        const layer = this.#layer(event.layer);
        layer.bytes = event.bytes;
        layer.total = event.total;
        layer.samples.push({ at: now, bytes: event.bytes });
        break;
      }
      case "layer-done":
        this.#layer(event.layer).mark = "fetched";
        break;
      case "installing":
        this.#layer(event.layer).mark = "installing";
        break;
    }
  }

  /** What somebody else has to finish before we go on. */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** Layers nothing has been heard of. */
  get untouched(): number {
    return Math.max(0, this.#count - this.#layers.size);
  }

  /** Layers that are neither installed nor untouched, in the order they began. */
  live(now: number): readonly LayerView[] {
    return [...this.#layers].flatMap(([digest, layer]) => {
      if (layer.mark === "gone") return [];
      const whole = layer.mark === "fetching" && layer.total !== undefined && layer.bytes >= layer.total;
      return {
        name: digest.replace("sha256:", "").slice(0, 12),
        mark: whole ? "verifying" : layer.mark,
        bytes: layer.bytes,
        total: layer.total,
        resumedAt: layer.resumedAt,
        speed: speedOf(layer, now),
      };
    });
  }

  #layer(digest: string): Layer {
    const known = this.#layers.get(digest);
    if (known) return known;
    const made: Layer = { mark: "fetching", bytes: 0, total: undefined, resumedAt: undefined, samples: [] };
    this.#layers.set(digest, made);
    return made;
  }
}

function speedOf(layer: Layer, now: number): number | undefined {
  while (layer.samples.length > 2 && now - (layer.samples[0]?.at ?? now) > WINDOW_MS) layer.samples.shift();
  const [first] = layer.samples;
  if (first === undefined || now - first.at < 200) return undefined;
  return Math.max(0, layer.bytes - first.bytes) / ((now - first.at) / 1000);
}
