// The daemon: one process that watches the zones, keeps the promises nobody else is there to keep, and answers clients.
//
//   starting ──first picture, socket──▶ ready ──SIGTERM──▶ draining ──▶ gone
//
// It owns nothing that a command could not do without it: every decision is taken under the same locks, so that both may
// run at once.
import { join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { inlineChain } from "../errors/chain.ts";
import type { Config } from "../config/schema.ts";
import type { Events } from "../events/events.ts";
import type { Host } from "../host/host.ts";
import type { LogJanitor } from "../logs/janitor.ts";
import type { Logger } from "../log/logger.ts";
import { gatherInfo } from "../introspect/info.ts";
import type { LatencyTable } from "../util/latency-table.ts";
import { acquireLock } from "../util/lock.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { SharedEvents } from "../vmadm/shared-events.ts";
import type { Containers } from "../zones/containers.ts";
import { hasEnded, isContainerZone, isOurs } from "../zones/observe.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import { API_VERSION, type DaemonStatus } from "./api.ts";
import type { Health } from "../zones/health.ts";
import { runHealthChecks } from "../zones/health-runner.ts";
import { Repeater } from "./repeater.ts";
import { serve } from "./server.ts";

/** What the daemon works with; made anew from a new configuration. */
export interface DaemonAgent {
  readonly config: Config;
  readonly log: Logger;
  readonly host: Host;
  readonly containers: Containers;
  readonly health: Health;
  readonly logJanitor: LogJanitor;
}

export interface DaemonOptions {
  readonly agent: DaemonAgent;
  /** Reads the configuration again. @throws AgentError CONFIG_INVALID */
  readonly reload: () => DaemonAgent;
  readonly events: Events;
  /** Made with the signal that ends the daemon's own work. */
  readonly zones: (signal: AbortSignal) => SharedEvents;
  readonly version: string;
  readonly latencies: LatencyTable;
  /** Ends it: it stops serving, finishes what it has begun, and resolves. */
  readonly signal: AbortSignal;
  /** Called once it serves. */
  readonly onReady?: () => void;
}

export interface Daemon {
  /** Takes over a changed configuration as a whole, or refuses it as a whole and goes on with the old one. */
  reload(): void;
  /** Resolves when it has ended in order; rejects with what made it impossible to go on. */
  readonly done: Promise<void>;
}

/** A picture of the zones is awaited this long before the log says that it is missing. */
const PATIENCE_MS = 30_000;
/** Shortest pause before it is looked again for an ended `--rm` container that could not be deleted yet. */
const FIRST_PAUSE_MS = 250;
/**
 * `--rm` containers whose foreground command was killed are given time (settle.ts), and logs grow unseen: this often it is
 * looked whether something has become due.
 */
const CHORES_MS = 60_000;

/**
 * Starts; rejects with DAEMON_RUNNING where another one has the lock. Everything after that is told in the log and in the
 * status, not raised: a daemon waits for a platform that is slow to come up.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  let { agent } = options;
  const { paths } = agent.host;
  const lock = await acquireLock(join(paths.locks, "daemon"), { timeoutMs: 0 });
  if (!lock)
    throw new AgentError("DAEMON_RUNNING", `another daemon works on ${paths.root}`, {
      hint: 'see "zonelet status"',
    });

  const startedAt = new Date().toISOString();
  const work = new AbortController();
  const zones = options.zones(work.signal);
  let ready = false;
  let problem: string | undefined = "the zones are not known yet";

  async function status(): Promise<DaemonStatus> {
    const vms = (zones.zones() ?? []).filter(isContainerZone);
    const byState: Record<string, number> = {};
    for (const vm of vms) byState[vm.state] = (byState[vm.state] ?? 0) + 1;
    const { config } = agent;
    return {
      version: options.version,
      api: [API_VERSION],
      pid: process.pid,
      startedAt,
      ready,
      ...(problem === undefined ? {} : { problem }),
      root: paths.root,
      ...(config.file === undefined ? {} : { config: config.file }),
      zones: { total: vms.length, ours: vms.filter(isOurs).length, byState },
      events: {
        instance: await options.events.history.instance(),
        ...(await options.events.history.range()),
        readers: stream.bus.readerCount,
      },
      resyncs: Math.max(0, zones.pictures - 1),
    };
  }

  let pause = FIRST_PAUSE_MS;
  let again: NodeJS.Timeout | undefined;
  const sweeper = new Repeater(
    async () => {
      const vms = zones.zones();
      if (!vms) return;
      await agent.containers.sweep(vms, { signal: options.signal });
      // One that ended before the command that started it had: its record was not ripe, and nothing more will be told of it.
      const left = (zones.zones() ?? []).some(
        (vm) => isSwept(vm) && vm.internal_metadata[MARK_KEYS.autoRemove] === true,
      );
      pause = left ? Math.min(pause * 2, CHORES_MS) : FIRST_PAUSE_MS;
      clearTimeout(again);
      if (left && !options.signal.aborted) again = setTimeout(() => sweeper.trigger(), pause);
    },
    (error) => agent.log.warn({ reason: inlineChain(error) }, "ended containers could not be cleared away"),
  );

  const tidier = new Repeater(
    async () => {
      const vms = zones.zones();
      if (vms) await agent.logJanitor.tidy(vms, options.signal);
    },
    (error) => agent.log.warn({ reason: inlineChain(error) }, "rotated logs could not be tidied"),
  );
  const stream = await options.events.follow(work.signal, zones);
  const server = await serve({
    socket: paths.socket,
    status,
    info: () => gatherInfo({ ...options, config: agent.config, host: agent.host, api: [API_VERSION] }),
    zones,
    events: stream,
    latencies: options.latencies,
    log: agent.log,
    signal: options.signal,
  });

  async function run(): Promise<void> {
    const patience = setTimeout(() => {
      agent.log.error("the node tells nothing about its zones; vminfod has to run");
    }, PATIENCE_MS);
    try {
      const { health, log } = agent;
      const chores = Promise.all([
        watchForChores(zones, sweeper, tidier, work.signal),
        runHealthChecks({ zones, health, paths, log, signal: work.signal }),
      ]);
      chores.catch(() => undefined); // awaited at the end
      await Promise.race([stream.ready, zones.done, aborted(options.signal)]);
      clearTimeout(patience);
      if (!options.signal.aborted) {
        ready = true;
        problem = undefined;
        agent.log.info({ socket: paths.socket, zones: zones.zones()?.length }, "ready");
        options.onReady?.();
      }
      // Either of the two ends only when the platform's stream cannot be had at all: no vmadm, no root.
      await Promise.race([aborted(options.signal), zones.done, stream.done]);
      ready = false;
      problem = "it is being stopped";
      agent.log.info("stopping");
      await Promise.all([sweeper.idle(), tidier.idle()]);
      work.abort();
      await Promise.all([zones.done, stream.done, chores]);
    } finally {
      clearTimeout(patience);
      clearTimeout(again);
      work.abort();
      await server[Symbol.asyncDispose]();
      lock?.release();
    }
  }

  return {
    done: run(),
    reload: () => {
      try {
        const next = options.reload();
        if (next.host.paths.root !== paths.root)
          throw new AgentError("CONFIG_INVALID", "host.root cannot change while the daemon runs", {
            hint: "restart it",
          });
        agent = next;
        agent.log.info({ file: next.config.file }, "configuration taken over");
      } catch (error) {
        agent.log.error({ reason: inlineChain(error) }, "configuration refused; the old one holds");
      }
    },
  };
}

/** Clears away what has ended: when a zone changes, and now and then for what only time makes due. */
async function watchForChores(
  zones: SharedEvents,
  sweeper: Repeater,
  tidier: Repeater,
  signal: AbortSignal,
): Promise<void> {
  const timer = setInterval(() => {
    sweeper.trigger();
    tidier.trigger();
  }, CHORES_MS);
  try {
    for await (const event of zones.events({ signal })) {
      if (event.type === "ready") tidier.trigger();
      if (event.type === "ready" || (event.type === "modify" && isSwept(event.vm))) sweeper.trigger();
    }
  } finally {
    clearInterval(timer);
  }
}

function isSwept(vm: VmObject): boolean {
  return isOurs(vm) && hasEnded(vm);
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  if (signal.aborted) resolve(undefined);
  else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  return promise;
}
