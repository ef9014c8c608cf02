// stats
import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { formatBytes } from "../util/units.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { containerName } from "../zones/find.ts";
import { isContainerZone } from "../zones/observe.ts";
import { cpuPercent, sampleZones, type StatsSample } from "../zones/stats.ts";
import { oneOf, type CliContext } from "./context.ts";
import { formatTable } from "./output.ts";

interface StatsOptions {
  readonly all: boolean;
  readonly stream: boolean;
  readonly output: "table" | "json";
}

const INTERVAL_MS = 1000;
/** Samples a sparkline shows. */
const HISTORY = 30;
const HEADER = ["NAME", "CPU", "MEMORY", "CAP", "SWAP", "LWPS", "READ", "WRITTEN", "NET IN", "NET OUT"] as const;

export function addStatsCommand(program: Command, context: CliContext): void {
  program
    .command("stats")
    .description("show what containers use: CPU, memory, swap, threads, files, network (source: kstat)")
    .argument("[container...]", "default: all that run")
    .option("-a, --all", "also those that do not run", false)
    .option("--no-stream", "two samples a second apart, then end")
    .option(
      "-o, --output <format>",
      "table, or json: one line for each container and second",
      oneOf("output format", ["table", "json"]),
      "table",
    )
    .action(async (references: string[], options: StatsOptions) => {
      const { signal } = context.interrupts;
      const { host } = context.agent();
      const history = new Map<string, number[]>();
      let vms = await chosen(context, references);
      let before = await sampleZones(host, signal);
      for (let round = 0; !context.output.gone; round++) {
        await pause(INTERVAL_MS, undefined, { signal });
        const sample = await sampleZones(host, signal);
        const unknown = [...sample.zones.keys()].some(
          (uuid) => !vms.some((vm) => vm.uuid === uuid) && !before.zones.has(uuid),
        );
        // What was started meanwhile has a name as well.
        if (references.length === 0 && unknown) vms = await chosen(context, references);
        const shown = vms.filter(({ uuid }) => references.length > 0 || options.all || sample.zones.has(uuid));
        const rows = shown.map((vm) => reading(vm, before, sample));
        remember(history, rows);
        await show(context, rows, history, options, round);
        if (!options.stream) return;
        before = sample;
      }
    });
}

async function chosen(context: CliContext, references: readonly string[]): Promise<readonly VmObject[]> {
  const { containers, vmadm } = context.agent();
  const { signal } = context.interrupts;
  if (references.length > 0) return Promise.all(references.map((reference) => containers.find(reference, { signal })));
  return (await vmadm.lookup({}, { signal })).filter(isContainerZone);
}

function reading(vm: VmObject, before: StatsSample, after: StatsSample) {
  const { zoneid, cpuNs, ...zone } = after.zones.get(vm.uuid) ?? {};
  return {
    name: containerName(vm),
    uuid: vm.uuid,
    running: zoneid !== undefined,
    cpuPercent: cpuPercent(before, after, vm.uuid),
    cpuSeconds: cpuNs === undefined ? undefined : cpuNs / 1e9,
    ...zone,
  };
}
type Reading = ReturnType<typeof reading>;

/** Nothing is kept of containers that are no longer shown. */
function remember(history: Map<string, number[]>, rows: readonly Reading[]): void {
  const kept = new Set<string>(rows.map(({ uuid }) => uuid));
  for (const uuid of history.keys()) if (!kept.has(uuid)) history.delete(uuid);
  for (const { uuid, cpuPercent: cpu } of rows)
    history.set(uuid, [...(history.get(uuid) ?? []), cpu ?? 0].slice(-HISTORY));
}

async function show(
  { output }: CliContext,
  rows: readonly Reading[],
  history: ReadonlyMap<string, readonly number[]>,
  options: StatsOptions,
  round: number,
): Promise<void> {
  if (options.output === "json") {
    await output.out(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return;
  }
  const live = output.isTerminal && options.stream;
  const table = formatTable(
    live ? [...HEADER, "CPU, LAST 30 S"] : HEADER,
    rows.map((row) => [...cells(row), ...(live ? [sparkline(history.get(row.uuid) ?? [])] : [])]),
  );
  if (live) await output.out(`\u001b[H\u001b[J${table}`);
  else await output.out(round === 0 ? table : table.slice(table.indexOf("\n") + 1));
}

function cells(row: Reading): string[] {
  const size = (bytes: number | undefined): string => (bytes === undefined ? "-" : formatBytes(bytes));
  return [
    row.name,
    row.cpuPercent === undefined ? "-" : `${row.cpuPercent.toFixed(1)}%`,
    size(row.memory),
    size(row.memoryCap),
    size(row.swap),
    row.lwps === undefined ? "-" : String(row.lwps),
    size(row.bytesRead),
    size(row.bytesWritten),
    size(row.received),
    size(row.sent),
  ];
}

const BARS = "▁▂▃▄▅▆▇█";

/** The highest value, or one whole CPU's percent, is the tallest bar. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(100, ...values);
  return values.map((value) => BARS[Math.min(7, Math.floor((value / top) * 8))] ?? "").join("");
}
