import { describe, expect, it } from "vitest";
import { pullProgress } from "../../agent/cli/progress.ts";
import { PullView } from "../../agent/cli/pull-view.ts";
import type { Output } from "../../agent/cli/output.ts";
import type { PullProgress } from "../../agent/imgadm/images.ts";
import { digestFromHex } from "../../agent/util/ids.ts";
import { eventually } from "../support/eventually.ts";

const A = digestFromHex("a".repeat(64));
const B = digestFromHex("b".repeat(64));
const MB = 1024 * 1024;

const PULL: readonly PullProgress[] = [
  { type: "resolving", reference: "docker.io/library/web:1" },
  { type: "resolved", reference: "docker.io/library/web:1", layers: 3, bytes: 30 * MB },
  { type: "layer-present", layer: digestFromHex("c".repeat(64)) },
  { type: "layer-resumed", layer: A, bytes: 2 * MB },
  { type: "layer-progress", layer: A, bytes: 4 * MB, total: 10 * MB },
  { type: "layer-progress", layer: A, bytes: 10 * MB, total: 10 * MB },
  { type: "layer-done", layer: A },
];

function sink(columns = 80): { text: () => string; output: Output } {
  let written = "";
  const output: Output = {
    isTerminal: true,
    errIsTerminal: true,
    color: false,
    columns,
    gone: false,
    out: () => Promise.resolve(),
    err: (text) => {
      written += String(text);
      return Promise.resolve();
    },
    flush: () => Promise.resolve(),
  };
  return { text: () => written, output };
}

describe("PullView", () => {
  it("knows what each layer is about, and how fast", () => {
    const view = new PullView();
    let now = 0;
    for (const event of PULL.slice(0, 5)) view.take(event, (now += 1000));
    view.take({ type: "layer-progress", layer: A, bytes: 6 * MB, total: 10 * MB }, (now += 1000));
    expect(view.untouched).toBe(1);
    expect(view.live(now)).toEqual([
      { name: "a".repeat(12), mark: "fetching", bytes: 6 * MB, total: 10 * MB, resumedAt: 2 * MB, speed: 2 * MB },
    ]);
    view.take({ type: "layer-progress", layer: A, bytes: 10 * MB, total: 10 * MB }, now);
    expect(view.live(now)[0]?.mark).toBe("verifying");
    view.take({ type: "layer-done", layer: A }, now);
    expect(view.live(now)[0]?.mark).toBe("fetched");
    view.take({ type: "layer-installed", layer: A }, now);
    expect(view.live(now)).toEqual([]);
  });

  it("tells a standstill as one", () => {
    const view = new PullView();
    view.take({ type: "layer-progress", layer: B, bytes: MB, total: 2 * MB }, 0);
    view.take({ type: "layer-progress", layer: B, bytes: MB + 10, total: 2 * MB }, 100);
    expect(view.live(60_000)[0]?.speed).toBeLessThan(1);
  });
});

describe("without a terminal", () => {
  it("is a line for each thing that happened, and one now and then for what goes on", async () => {
    const { text, output } = sink();
    const progress = pullProgress(output, { interactive: false, quiet: false, reportMs: 5 });
    for (const event of PULL) progress.onProgress(event);
    progress.onProgress({ type: "layer-progress", layer: B, bytes: MB, total: 2 * MB });
    await eventually(() => text().includes("bbbbbbbbbbbb: "), { what: "a report" });
    progress[Symbol.dispose]();
    expect(text()).not.toContain("\u001b");
    expect(text().split("\n").slice(0, 5)).toEqual([
      "pulling docker.io/library/web:1",
      "docker.io/library/web:1: 3 layers, 30 MiB",
      "cccccccccccc: already here",
      "aaaaaaaaaaaa: resumed at 2 MiB",
      "aaaaaaaaaaaa: fetched",
    ]);
    expect(text()).toMatch(/bbbbbbbbbbbb: \[={10} {10}\] {2}1 MiB of 2 MiB/);
  });
});

describe("on a terminal", () => {
  it("redraws what moves, keeps what is finished, and leaves nothing half drawn", () => {
    const { text, output } = sink(60);
    const progress = pullProgress(output, { interactive: true, quiet: false });
    for (const event of PULL) progress.onProgress(event);
    progress.onProgress({ type: "layer-installed", layer: A });
    progress[Symbol.dispose]();
    const screen = render(text());
    expect(screen).toEqual([
      "pulling docker.io/library/web:1",
      "docker.io/library/web:1: 3 layers, 30 MiB",
      "cccccccccccc: already here",
      "aaaaaaaaaaaa: installed",
    ]);
  });

  it("draws at most ten layers and counts the rest", async () => {
    const { text, output } = sink();
    const progress = pullProgress(output, { interactive: true, quiet: false, redrawMs: 5 });
    progress.onProgress({ type: "resolved", reference: "x", layers: 40, bytes: 1 });
    for (let i = 0; i < 15; i++)
      progress.onProgress({ type: "layer-done", layer: digestFromHex(i.toString(16).padStart(64, "0")) });
    await eventually(() => render(text()).includes("… 30 more layers to come"), { what: "the count" });
    progress[Symbol.dispose]();
    expect(render(text())).toEqual(["x: 40 layers, 1 B"]);
  });
});

it("says nothing when it is to be quiet", () => {
  const { text, output } = sink();
  const progress = pullProgress(output, { interactive: true, quiet: true });
  for (const event of PULL) progress.onProgress(event);
  progress[Symbol.dispose]();
  expect(text()).toBe("");
});

/** What a terminal shows after these bytes: the few sequences that are used, and nothing else. */
function render(text: string): readonly string[] {
  const lines: string[] = [""];
  let row = 0;
  for (const [token] of text.matchAll(/\u001b\[(\d*)[AJK]|\r|\n|[^\u001b\r\n]+/g)) {
    if (token === "\r") continue;
    else if (token === "\n") {
      row++;
      lines[row] ??= "";
    } else if (token.endsWith("A") && token.startsWith("\u001b")) row -= Number(token.slice(2, -1));
    else if (token === "\u001b[J") lines.splice(row, Infinity, "");
    else if (token === "\u001b[K") lines[row] = "";
    else lines[row] = (lines[row] ?? "") + token;
    expect(row).toBeGreaterThanOrEqual(0);
  }
  return lines.filter((line) => line !== "");
}
