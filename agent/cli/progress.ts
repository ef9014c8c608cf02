// Progress of pulls: one line that redraws itself on a terminal, one line a layer elsewhere.
import type { PullProgress } from "../imgadm/images.ts";
import { formatBytes } from "../util/units.ts";
import type { Output } from "./output.ts";

export interface ProgressView extends Disposable {
  readonly onProgress: (event: PullProgress) => void;
}

const REDRAW_MS = 100;

/** `interactive`: stderr is a terminal. Nothing is drawn when `quiet`. */
export function pullProgress(
  output: Output,
  options: { readonly interactive: boolean; readonly quiet: boolean },
): ProgressView {
  if (options.quiet) return { onProgress: () => undefined, [Symbol.dispose]: () => undefined };
  return options.interactive ? redrawing(output) : plain(output);
}

function plain(output: Output): ProgressView {
  const say = (text: string): void => void output.err(`${text}\n`);
  return {
    onProgress: (event) => {
      switch (event.type) {
        case "resolving":
          say(`pulling ${event.reference}`);
          break;
        case "resolved":
          say(`${event.reference}: ${event.layers} layer${event.layers === 1 ? "" : "s"}, ${formatBytes(event.bytes)}`);
          break;
        case "layer-present":
          say(`${short(event.layer)}: already here`);
          break;
        case "layer-done":
          say(`${short(event.layer)}: installed`);
          break;
        case "waiting":
          say(`waiting: ${event.what}`);
          break;
        case "layer-progress":
        case "installing":
          break;
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

function redrawing(output: Output): ProgressView {
  const bytes = new Map<string, number>();
  let total = 0;
  let layers = 0;
  let done = 0;
  let doing = "";
  let last = 0;
  let drawn = false;
  const draw = (force: boolean): void => {
    const now = performance.now();
    if (!force && now - last < REDRAW_MS) return;
    last = now;
    const got = [...bytes.values()].reduce((sum, n) => sum + n, 0);
    const amount = total > 0 ? ` ${formatBytes(got)} of ${formatBytes(total)}` : "";
    const line = `${doing}${layers > 0 ? `, layer ${Math.min(done + 1, layers)} of ${layers}` : ""}${amount}`;
    drawn = true;
    void output.err(`\r\u001b[K${line.slice(0, Math.max(20, output.columns - 1))}`);
  };
  return {
    onProgress: (event) => {
      switch (event.type) {
        case "resolving":
          doing = `resolving ${event.reference}`;
          break;
        case "resolved":
          doing = `pulling ${event.reference}`;
          total = event.bytes;
          layers = event.layers;
          break;
        case "layer-progress":
          bytes.set(event.layer, event.bytes);
          break;
        case "layer-present":
        case "layer-done":
          done++;
          break;
        case "installing":
          doing = `installing ${short(event.layer)}`;
          break;
        case "waiting":
          doing = `waiting: ${event.what}`;
          break;
      }
      draw(event.type !== "layer-progress");
    },
    [Symbol.dispose]: () => {
      if (drawn) void output.err("\r\u001b[K");
    },
  };
}

function short(digest: string): string {
  return digest.replace("sha256:", "").slice(0, 12);
}
