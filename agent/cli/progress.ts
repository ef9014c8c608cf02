// Progress of pulls on stderr: a line per layer that is under way, redrawn in place, on a terminal; plain lines elsewhere.
import type { PullProgress } from "../imgadm/images.ts";
import { formatBytes } from "../util/units.ts";
import type { Output } from "./output.ts";
import { PullView, type LayerView } from "./pull-view.ts";

export interface ProgressView extends Disposable {
  readonly onProgress: (event: PullProgress) => void;
}

export interface ProgressOptions {
  /** stderr is a terminal. */
  readonly interactive: boolean;
  readonly quiet: boolean;
  /** For tests. Milliseconds between two drawings on a terminal, and between two reports elsewhere. */
  readonly redrawMs?: number;
  readonly reportMs?: number;
}

/** Layers that are drawn at once; the rest is counted. */
const MAX_LIVE = 10;

/** Nothing is drawn when `quiet`. Disposing takes what moves off the terminal; what is finished stays. */
export function pullProgress(output: Output, options: ProgressOptions): ProgressView {
  if (options.quiet) return { onProgress: () => undefined, [Symbol.dispose]: () => undefined };
  return options.interactive ? redrawing(output, options.redrawMs ?? 100) : plain(output, options.reportMs ?? 5_000);
}

function plain(output: Output, reportMs: number): ProgressView {
  const view = new PullView();
  const say = (text: string): void => void output.err(`${text}\n`);
  const timer = setInterval(() => {
    for (const layer of view.live(performance.now()))
      if (layer.mark === "fetching" || layer.mark === "installing") say(`${layer.name}: ${describe(layer)}`);
  }, reportMs);
  timer.unref();
  return {
    onProgress: (event) => {
      view.take(event, performance.now());
      const line = milestone(event);
      if (line !== undefined) say(line);
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}

/** What is told once, in words, wherever it is told. */
function milestone(event: PullProgress): string | undefined {
  switch (event.type) {
    case "resolving":
      return `pulling ${event.reference}`;
    case "resolved":
      return `${event.reference}: ${event.layers} layer${event.layers === 1 ? "" : "s"}, ${formatBytes(event.bytes)}`;
    case "layer-present":
      return `${shortDigest(event.layer)}: already here`;
    case "layer-resumed":
      return `${shortDigest(event.layer)}: resumed at ${formatBytes(event.bytes)}`;
    case "layer-done":
      return `${shortDigest(event.layer)}: fetched`;
    case "layer-installed":
      return `${shortDigest(event.layer)}: installed`;
    case "waiting":
      return `waiting: ${event.what}`;
    case "layer-progress":
    case "installing":
      return undefined;
  }
}

function redrawing(output: Output, redrawMs: number): ProgressView {
  const view = new PullView();
  let drawn = 0;
  const draw = (permanent: string | undefined): void => {
    const width = Math.max(20, output.columns - 1);
    const lines = permanent === undefined ? liveLines(view) : [permanent, ...liveLines(view)];
    const text = lines.map((line) => `\r\u001b[K${line.slice(0, width)}\n`).join("");
    const up = drawn === 0 ? "" : `\u001b[${drawn}A`;
    drawn = lines.length - (permanent === undefined ? 0 : 1);
    // What was drawn below and is not needed any more goes.
    void output.err(`${up}${text}\u001b[J`);
  };
  const timer = setInterval(() => {
    draw(undefined);
  }, redrawMs);
  timer.unref();
  return {
    onProgress: (event) => {
      view.take(event, performance.now());
      // The rest is drawn as it moves.
      if (event.type === "layer-progress" || event.type === "layer-resumed" || event.type === "layer-done") return;
      draw(event.type === "waiting" ? undefined : milestone(event));
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      if (drawn > 0) void output.err(`\u001b[${drawn}A\r\u001b[J`);
      drawn = 0;
    },
  };
}

function liveLines(view: PullView): string[] {
  const live = view.live(performance.now());
  const shown = live.slice(0, MAX_LIVE);
  const rest = live.length - shown.length + view.untouched;
  return [
    ...shown.map((layer) => `${layer.name}  ${describe(layer)}`),
    ...(rest > 0 ? [`… ${rest} more layer${rest === 1 ? "" : "s"} to come`] : []),
    ...(view.waitingFor === undefined ? [] : [`waiting: ${view.waitingFor}`]),
  ];
}

function describe({ mark, bytes, total, resumedAt, speed }: LayerView): string {
  const size = total === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`;
  const resumed = resumedAt === undefined ? "" : `, resumed at ${formatBytes(resumedAt)}`;
  switch (mark) {
    case "fetching":
      return `${bar(bytes, total)}${size}  ${speed === undefined ? "-" : formatBytes(speed)}/s${resumed}`;
    case "verifying":
    case "fetched":
      return `${bar(bytes, total)}${size}  ${mark}`;
    case "installing":
      return `${size}  installing`;
  }
}

const BAR = 20;

function bar(bytes: number, total: number | undefined): string {
  if (total === undefined || total === 0) return "";
  const filled = Math.min(BAR, Math.floor((bytes / total) * BAR));
  return `[${"=".repeat(filled)}${" ".repeat(BAR - filled)}]  `;
}

function shortDigest(digest: string): string {
  return digest.replace("sha256:", "").slice(0, 12);
}
