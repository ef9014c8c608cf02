// events
import { Option, type Command } from "commander";
import { createDaemonClient } from "../daemon/client.ts";
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { compileFilters } from "../filters/evaluate.ts";
import { dockerEventFilter } from "../filters/docker-events.ts";
import { DockerFilters } from "../filters/docker-args.ts";
import { eventAdaptor } from "../filters/event-fields.ts";
import { parseFilters } from "../filters/parse.ts";
import type { Envelope } from "../events/envelope.ts";
import type { Since } from "../events/events.ts";
import { dockerMessages, eventLine, publicEvent } from "../events/render.ts";
import { parseMoment } from "./moment.ts";
import type { CliContext } from "./context.ts";
import { safeText } from "./output.ts";

interface EventsOptions {
  readonly since?: string;
  readonly until?: string;
  readonly filter: readonly string[];
  readonly output: "text" | "json" | "docker";
}

export function addEventsCommand(program: Command, context: CliContext): void {
  program
    .command("events")
    .description("tell what happens to containers, images and snapshots, as it happens")
    .option("--since <point>", "begin with what was: a time, a duration (10m), or SEQ or INSTANCE:SEQ of an event")
    .option("--until <time>", "end at a time; without --since only what comes from now on")
    .option(
      "-f, --filter <filter>",
      "containerd's grammar, e.g. 'topic==\"/tasks/exit\"'; several are alternatives. With -o docker: key=value",
      (value: string, list: readonly string[]) => [...list, value],
      [],
    )
    .addOption(new Option("-o, --output <format>", "form").choices(["text", "json", "docker"]).default("text"))
    .action(async (options: EventsOptions) => {
      await printEvents(context, options);
    });
}

/** Prints until the end that was asked for, an interrupt, or the reader going away. */
async function printEvents(context: CliContext, options: EventsOptions): Promise<void> {
  const now = new Date();
  const until = options.until === undefined ? undefined : parseMoment("--until", options.until, now);
  const show = renderer(options);
  const { events } = context.agent();
  const instance = await events.history.instance();
  const since = options.since === undefined ? undefined : parseSince(options.since, instance, now);
  if (until !== undefined && since !== undefined && "time" in since && since.time > until)
    throw new AgentError("USAGE", `--since (${options.since ?? ""}) is after --until (${options.until ?? ""})`);

  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, context.interrupts.signal]);
  try {
    for await (const envelope of eventsFrom(
      context,
      { since, until, filters: options.output === "docker" ? [] : options.filter },
      signal,
    )) {
      if (envelope.topic === "/agent/truncated" || envelope.topic === "/agent/dropped") await warn(envelope);
      for (const line of show(envelope, instance)) await context.output.out(`${line}\n`);
      if (context.output.gone) return;
    }
  } finally {
    stop.abort();
  }

  async function warn({ topic, event }: Envelope): Promise<void> {
    await context.output.err(
      topic === "/agent/dropped"
        ? `warning: too slow a reader: ${String(event["count"])} events were left out\n`
        : `warning: events before number ${String(event["oldest"])} are not kept any more\n`,
    );
  }
}

interface Range {
  readonly since?: Since | undefined;
  readonly until?: Date | undefined;
  readonly filters: readonly string[];
}

/** From the daemon where there is one; else this command does what a daemon would. */
async function* eventsFrom(
  context: CliContext,
  { since, until, filters }: Range,
  signal: AbortSignal,
): AsyncGenerator<Envelope> {
  const { events, host } = context.agent();
  const daemon = createDaemonClient(host.paths.socket);
  try {
    await daemon.status(signal);
    yield* daemon.events(
      {
        ...(since === undefined ? {} : "seq" in since ? { from: since.seq } : { since: since.time }),
        ...(until === undefined ? {} : { until }),
        filters,
      },
      signal,
    );
    return;
  } catch (error) {
    if (!hasCode(error, "DAEMON_UNREACHABLE")) throw error;
  }
  const stop = new AbortController();
  const stream = await events.follow(AbortSignal.any([stop.signal, signal]));
  try {
    yield* stream.subscribe({
      signal,
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    });
    if (!signal.aborted && until === undefined) await stream.done;
  } finally {
    stop.abort();
    await stream.done.catch(() => undefined);
  }
}

type Renderer = (envelope: Envelope, instance: string) => readonly string[];

function renderer(options: EventsOptions): Renderer {
  if (options.output === "docker") {
    const passes = dockerEventFilter(DockerFilters.fromOptions(options.filter));
    return (envelope) =>
      dockerMessages(envelope)
        .filter(passes)
        .map((message) => JSON.stringify(message));
  }
  const matches = compileFilters<Envelope>(parseFilters(options.filter), eventAdaptor);
  const form: Renderer =
    options.output === "json"
      ? (envelope, instance) => [JSON.stringify(publicEvent(envelope, instance))]
      : (envelope) => (envelope.seq === 0 ? [] : [safeText(eventLine(envelope))]);
  return (envelope, instance) => (envelope.seq === 0 || matches(envelope) ? form(envelope, instance) : []);
}

function parseSince(text: string, instance: string, now: Date): Since {
  const [, whose, seq] = /^(?:([0-9a-f-]{36}):)?(\d{1,9})$/.exec(text) ?? [];
  if (seq === undefined) return { time: parseMoment("--since", text, now) };
  // Numbers of another history mean nothing here: everything that is kept is told, with the marker that says so.
  return { seq: whose === undefined || whose === instance ? Number(seq) : 0 };
}
