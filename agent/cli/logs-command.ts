// logs
import { Option, type Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { PrefixedLines, WholeLines, type LinePiece, type LinePrefix } from "../logs/lines.ts";
import { readLog, readRecords, type ReadLogOptions } from "../logs/read.ts";
import type { LogStream } from "../logs/record.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { createEndCheck } from "../zones/end-check.ts";
import { containerName, findZone } from "../zones/find.ts";
import { parseCount, waitNotice, type CliContext } from "./context.ts";
import { parseMoment } from "./moment.ts";
import { safeText } from "./output.ts";

interface LogsOptions {
  readonly follow: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps: boolean;
  readonly details: boolean;
  readonly stream?: LogStream;
}

export function addLogsCommand(program: Command, context: CliContext): void {
  program
    .command("logs")
    .description("show what containers wrote")
    .argument("<container...>")
    .option("-f, --follow", "go on until the container has ended for good", false)
    .option("-n, --tail <lines>", 'only the last lines, or "all"', (text) =>
      text === "all" ? undefined : parseCount("--tail")(text),
    )
    .option("--since <time>", "only what was written at a time or later; a duration (10m) counts back from now")
    .option("--until <time>", "only what was written before a time")
    .option("-t, --timestamps", "the time before each line", false)
    .option("--details", "stream and labels before each line", false)
    .addOption(new Option("--stream <name>", "only one of the two").choices(["stdout", "stderr"]))
    .action(async (references: string[], options: LogsOptions) => {
      await showLogs(context, references, options);
    });
}

/** How late we may learn of what was written just before `--until`. */
const LATE_MS = 500;

/**
 * What went to the container's stdout goes to ours, and its stderr to ours. Several containers: whole lines, each with
 * the container's name in front; without `--follow` one container after another.
 */
async function showLogs(context: CliContext, references: readonly string[], options: LogsOptions): Promise<void> {
  const { containers, vmadm } = context.agent().view;
  const now = new Date();
  const since = options.since === undefined ? undefined : logTime("--since", options.since, now).text;
  const until = options.until === undefined ? undefined : logTime("--until", options.until, now);
  const zones = await containers.list({ signal: context.interrupts.signal, onWait: waitNotice(context) });
  const chosen = references.map((reference) => findZone(reference, zones));
  for (const vm of chosen)
    if (vm.zlog_mode !== undefined && !vm.zlog_mode.startsWith("g"))
      throw new AgentError("LOG_UNAVAILABLE", `container "${containerName(vm)}" keeps no log (log driver "none")`);

  const following = options.follow && (until === undefined || until.ms > now.getTime());
  const stop = new AbortController();
  const timer =
    following && until
      ? setTimeout(() => stop.abort(), Math.min(until.ms - now.getTime() + LATE_MS, 2 ** 31 - 1))
      : undefined;
  const signal = AbortSignal.any([stop.signal, context.interrupts.signal]);
  try {
    const show = (vm: VmObject): Promise<void> =>
      showLog(context, vm, {
        ...options,
        names: chosen.length > 1 ? Math.max(...chosen.map((other) => containerName(other).length)) : undefined,
        read: {
          follow: following,
          tail: options.tail,
          stream: options.stream,
          since,
          until: until?.text,
          ended: createEndCheck(vmadm, vm.uuid, signal),
          signal,
        },
      });
    if (following) await Promise.all(chosen.map(show));
    else for (const vm of chosen) await show(vm);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

interface ShowOptions extends Pick<LogsOptions, "timestamps" | "details"> {
  /** Width of the column of names; undefined without one. */
  readonly names: number | undefined;
  readonly read: ReadLogOptions;
}

async function showLog(context: CliContext, vm: VmObject, options: ShowOptions): Promise<void> {
  const { output } = context;
  const directory = context.agent().host.paths.inGlobalZone(`${vm.zonepath}/logs`);
  const put = ({ stream, bytes }: LinePiece): Promise<void> =>
    stream === "stderr" ? output.err(bytes) : output.out(bytes);
  if (!options.timestamps && !options.details && options.names === undefined) {
    for await (const chunk of readLog(directory, options.read)) {
      await put(chunk);
      if (output.gone) return;
    }
    return;
  }
  const prefix = prefixOf(vm, options);
  const whole = options.names === undefined ? undefined : new WholeLines(prefix);
  const lines = whole ?? new PrefixedLines(prefix);
  for await (const records of readRecords(directory, options.read))
    for (const piece of gathered(records.flatMap((record) => lines.add(record)))) {
      await put(piece);
      if (output.gone) return;
    }
  for (const piece of whole?.end() ?? []) await put(piece);
}

/** Pieces of one stream that follow each other in one: a write each would cost more than the reading. */
function gathered(pieces: readonly LinePiece[]): LinePiece[] {
  const runs: { readonly stream: LogStream; readonly parts: Buffer[] }[] = [];
  for (const { stream, bytes } of pieces) {
    const last = runs.at(-1);
    if (last?.stream === stream) last.parts.push(bytes);
    else runs.push({ stream, parts: [bytes] });
  }
  return runs.map(({ stream, parts }) => ({ stream, bytes: Buffer.concat(parts) }));
}

function prefixOf(vm: VmObject, { timestamps, details, names }: ShowOptions): LinePrefix {
  const name = names === undefined ? "" : `${containerName(vm).padEnd(names)} | `;
  const labels = Object.entries(vm.tags).flatMap(([tag, value]) =>
    tag.startsWith("docker:label:")
      ? [`${safeText(tag.slice("docker:label:".length))}=${safeText(String(value))}`]
      : [],
  );
  return ({ time, stream }) => {
    const detail = details ? `${[`stream=${stream}`, ...labels.toSorted()].join(",")} ` : "";
    return `${name}${timestamps ? `${safeText(time)} ` : ""}${detail}`;
  };
}

/** A moment in the form of records' times. Digits beyond the millisecond are kept: a time copied from `-t` is exact. */
function logTime(option: string, text: string, now: Date): { readonly text: string; readonly ms: number } {
  const moment = parseMoment(option, text, now);
  const finer = /\d\.\d{3}(\d{1,6})(?!\d)/.exec(text)?.[1] ?? "";
  return { text: `${moment.toISOString().slice(0, 23)}${finer.padEnd(6, "0")}Z`, ms: moment.getTime() };
}
