// Events of this node: the history, its readers, and the feed, put together for one process.
import { watch } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { inlineChain } from "../errors/chain.ts";
import type { HostPaths } from "../host/paths.ts";
import type { Logger } from "../log/logger.ts";
import type { Vmadm } from "../vmadm/client.ts";
import { EventBus, type SubscribeOptions } from "./bus.ts";
import { draftEvent, type DraftOptions, type Envelope, type EventDraft, type Topic } from "./envelope.ts";
import { feedEvents } from "./feed.ts";
import { createHistory, type History, type HistoryLimits } from "./history.ts";

/** Where a reader wants to begin: a number of this history, or a time. */
export type Since = { readonly seq: number } | { readonly time: Date };

export interface Events {
  readonly history: History;
  /**
   * Notes what the agent itself did (images, signals, exec), which the platform tells nobody. Never fails the operation:
   * what cannot be written is logged.
   */
  note(topic: Topic, event: Readonly<Record<string, unknown>>, options?: Partial<DraftOptions>): Promise<void>;
  /**
   * Begins to turn the platform's changes into events, and to tell readers of this process what any process appends.
   * `source`: where the changes come from; without it a `vmadm events` of its own.
   */
  follow(signal: AbortSignal, source?: Pick<Vmadm, "events">): Promise<EventStream>;
}

export interface EventStream {
  /** Resolves at the first complete picture of the zones, ours or another feeder's: from here on nothing is missed. */
  readonly ready: Promise<void>;
  /** Rejects when the platform's changes cannot be had for good; resolves after an abort. */
  readonly done: Promise<void>;
  readonly bus: EventBus;
  subscribe(options: Omit<SubscribeOptions, "from"> & { readonly since?: Since }): AsyncGenerator<Envelope>;
}

export interface EventsOptions {
  readonly vmadm: Pick<Vmadm, "events">;
  readonly paths: HostPaths;
  readonly log: Logger;
  readonly limits?: HistoryLimits;
}

/** A file system that tells of no changes is looked at this often, in milliseconds. */
const RECHECK_MS = 1000;

export function createEvents({ vmadm, paths, log, limits }: EventsOptions): Events {
  const history = createHistory(paths.events, join(paths.locks, "events"), log, limits);
  const note: Events["note"] = async (topic, event, options = {}) => {
    await append([draftEvent(topic, event, { at: new Date(), namespace: "default", ...options })]);
  };
  async function append(drafts: readonly EventDraft[]): Promise<void> {
    try {
      await history.append(drafts);
    } catch (error) {
      log.warn({ reason: inlineChain(error) }, "event could not be noted");
    }
  }

  async function follow(signal: AbortSignal, source: Pick<Vmadm, "events"> = vmadm): Promise<EventStream> {
    await mkdir(paths.events, { recursive: true, mode: 0o700 });
    const bus = new EventBus(history, (await history.range()).newest);
    const tail = new Tail(history, bus, log);
    const first = Promise.withResolvers<undefined>();
    const feeding = feedEvents({
      vmadm: source,
      history,
      lockPath: join(paths.locks, "events-feed"),
      log,
      signal,
      onEvents: (envelopes) => tail.offer(envelopes),
      onReady: () => first.resolve(undefined),
      onWait: () => first.resolve(undefined),
    });
    const done = Promise.all([feeding, tail.run(signal)]).then(() => undefined);
    done.catch((error: unknown) => first.reject(error instanceof Error ? error : new Error(String(error))));
    first.promise.catch(() => undefined);
    // A feed that fails ends its readers; whoever looks at `done` learns why.
    const ended = new AbortController();
    void done.catch(() => undefined).then(() => ended.abort());
    return {
      ready: first.promise,
      done,
      bus,
      subscribe: async function* ({ since, ...options }) {
        const signal = AbortSignal.any([ended.signal, ...(options.signal ? [options.signal] : [])]);
        yield* bus.subscribe({
          ...options,
          signal,
          ...(since === undefined ? {} : { from: await firstNumber(history, since) }),
        });
      },
    };
  }

  return { history, note, follow };
}

/** Number of the first event at or after a point. A time before everything that is kept asks for what is missing, too. */
async function firstNumber(history: History, since: Since): Promise<number> {
  if ("seq" in since) return since.seq;
  const { oldest, newest } = await history.range();
  for await (const envelope of history.read(oldest)) {
    if (Date.parse(envelope.timestamp) >= since.time.getTime()) {
      // The very first event is not proof that nothing was before it, unless it has number 1.
      return envelope.seq === oldest && oldest > 1 ? oldest - 1 : envelope.seq;
    }
  }
  return newest + 1;
}

/** Brings what is appended to the history, by whomever, to the bus: in order, each once. */
class Tail {
  private readonly history: History;
  private readonly bus: EventBus;
  private readonly log: Logger;
  private reading: Promise<void> | undefined;

  constructor(history: History, bus: EventBus, log: Logger) {
    this.history = history;
    this.bus = bus;
    this.log = log;
  }

  /** What this process appended; read from the files where another process appended something in between. */
  offer(envelopes: readonly Envelope[]): void {
    const [first] = envelopes;
    if (!first) return;
    if (this.reading === undefined && first.seq === this.bus.lastNumber + 1) this.bus.publish(envelopes);
    else void this.catchUp();
  }

  /** Looks at the files when they are said to have changed, and every now and then because that may not be said. */
  async run(signal: AbortSignal): Promise<void> {
    let wake: (() => void) | undefined;
    let watcher;
    try {
      watcher = watch(this.history.directory, { persistent: false }, () => wake?.());
      watcher.on("error", () => undefined);
    } catch (error) {
      this.log.debug({ reason: inlineChain(error) }, "no file events; the history is looked at each second");
    }
    const onAbort = (): void => wake?.();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        wake = () => resolve(undefined);
        const timer = setTimeout(wake, RECHECK_MS);
        await promise;
        clearTimeout(timer);
        await this.catchUp();
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      watcher?.close();
    }
  }

  private catchUp(): Promise<void> {
    return (this.reading ??= this.read().finally(() => (this.reading = undefined)));
  }

  private async read(): Promise<void> {
    try {
      for (;;) {
        const before = this.bus.lastNumber;
        const { newest } = await this.history.range();
        if (newest <= before) return;
        for await (const envelope of this.history.read(this.bus.lastNumber + 1)) this.bus.publish([envelope]);
        if (this.bus.lastNumber === before) return; // unreadable lines only
      }
    } catch (error) {
      this.log.warn({ reason: inlineChain(error) }, "history of events cannot be read");
    }
  }
}
