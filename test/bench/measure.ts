// Times whole commands side by side in one run, so that a machine's mood falls on both; what counts is the ratio.
import { spawnSync, type SpawnSyncOptions } from "node:child_process";

export interface Candidate {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly options?: SpawnSyncOptions;
}

export interface Timing {
  readonly name: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Runs the candidates in turn, `rounds` times each after one warm-up; milliseconds. A failing command ends the bench. */
export function measure(candidates: readonly Candidate[], rounds: number): Timing[] {
  const times = new Map<string, number[]>();
  for (let round = -1; round < rounds; round++)
    for (const { name, command, args, options } of candidates) {
      const started = performance.now();
      const result = spawnSync(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
      const ms = performance.now() - started;
      if (result.status !== 0) throw new Error(`${name} exited ${String(result.status)}: ${String(result.stderr)}`);
      if (round >= 0) times.set(name, [...(times.get(name) ?? []), ms]);
    }
  return candidates.map(({ name }) => {
    const sorted = (times.get(name) ?? []).toSorted((a, b) => a - b);
    return { name, min: sorted[0] ?? NaN, median: sorted[sorted.length >> 1] ?? NaN, max: sorted.at(-1) ?? NaN };
  });
}

/** Prints a table; the ratio is to the last candidate, the peer. */
export function report(title: string, timings: readonly Timing[]): void {
  const peer = timings.at(-1);
  process.stdout.write(`\n${title}\n`);
  for (const { name, min, median, max } of timings) {
    const ratio =
      peer === undefined || name === peer.name ? "" : `  ${(median / peer.median).toFixed(2)} × ${peer.name}`;
    process.stdout.write(
      `  ${name.padEnd(28)} min ${min.toFixed(0)}  median ${median.toFixed(0)}  max ${max.toFixed(0)} ms${ratio}\n`,
    );
  }
}
