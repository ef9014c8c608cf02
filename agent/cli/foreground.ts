// A container in the foreground: its output on ours, its exit status ours, Ctrl-C stops it.
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { readLog } from "../logs/read.ts";
import { acquireLock } from "../util/lock.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { bootFailureText, explainsExit, readBootFailure, type BootFailure } from "../zones/boot-log.ts";
import type { ExitStatus } from "../vmadm/exit-status.ts";
import { attachLockPath } from "../zones/locks.ts";
import { createEndGuard } from "../zones/known-exit.ts";
import { hasEnded } from "../zones/observe.ts";
import type { ZoneWatch } from "../zones/watch.ts";
import { typeInto, type TypedInput } from "./attached-input.ts";
import type { CliContext } from "./context.ts";

export interface ForegroundEnd {
  readonly exit: ExitStatus;
  /** Set when dockerinit, not the program, ended the container. */
  readonly bootFailure: BootFailure | undefined;
}

export interface ForegroundOptions {
  /** Hand our stdin on; the container has to read its input. */
  readonly input: boolean;
  /** From `parseDetachKeys`. */
  readonly detachKeys: readonly number[];
  /**
   * What SIGINT and SIGTERM do. `stop`: as `zonelet stop`, and a second one kills. `proxy`: the container's first process
   * gets them. `leave`: we go, the container stays.
   */
  readonly signals: "stop" | "proxy" | "leave";
  /** Where the output shown begins. Default: at the beginning of the log. */
  readonly from?: { readonly since?: string; readonly tail?: number };
}

/**
 * Shows the container's output until it has ended, and hands our input on. SIGHUP leaves it running and raises CANCELLED.
 * Resolves to undefined when the keys for leaving were typed.
 */
export async function runForeground(
  context: CliContext,
  watch: ZoneWatch,
  { zone, zonepath }: { readonly zone: ZoneUuid; readonly zonepath: string },
  options: ForegroundOptions,
): Promise<ForegroundEnd | undefined> {
  const { vmadm, containers, host } = context.agent();
  const detach = new AbortController();
  const lock = await acquireLock(attachLockPath(host.paths, zone), { timeoutMs: 0 });
  let asked = 0;
  let left = false;
  let obeying: Promise<unknown> = Promise.resolve();
  const leave = (): void => {
    left = true;
    detach.abort();
  };
  const obey = (signal: NodeJS.Signals): void => {
    if (signal === "SIGHUP") {
      detach.abort(new AgentError("CANCELLED", "detached; the container goes on"));
      return;
    }
    if (options.signals === "leave") {
      leave();
      return;
    }
    asked++;
    obeying =
      options.signals === "proxy"
        ? vmadm.kill(zone, signal)
        : asked === 1
          ? containers.stop(zone)
          : containers.stopNow(zone);
    obeying.catch((error: unknown) => {
      if (!hasCode(error, "ZONE_NOT_RUNNING")) detach.abort(error);
    });
  };
  const giveBack = context.interrupts.take(obey);
  // A signal that came between the start and this moment must not leave the container running unseen.
  if (context.interrupts.signal.aborted) obey("SIGINT");
  const ended = createEndGuard();
  const isOver = (): boolean => {
    const vm = watch.current(zone);
    return vm === undefined || ended(vm);
  };
  const input = options.input ? connectInput(context, watch, zone, { ...options, detach, leave }) : undefined;
  try {
    const logs = host.paths.inGlobalZone(`${zonepath}/logs`);
    for await (const chunk of readLog(logs, { ...options.from, follow: true, ended: isOver, signal: detach.signal }))
      await (chunk.stream === "stderr" ? context.output.err(chunk.bytes) : context.output.out(chunk.bytes));
    if (wasLeft()) return undefined;
    detach.signal.throwIfAborted();
    const vm = await watch.until(zone, (now) => now === undefined || ended(now), detach.signal);
    await obeying.catch((error: unknown) => {
      if (!hasCode(error, "ZONE_NOT_RUNNING")) throw error;
    });
    const exit = vm ? await containers.exit(vm) : undefined;
    if (!exit) throw new AgentError("CONTAINER_NOT_FOUND", "the container was removed while it ran");
    const bootFailure = readBootFailure(host.paths.inGlobalZone(`${zonepath}/root`));
    return {
      exit,
      bootFailure: bootFailure && explainsExit(bootFailure, vm?.exit_status ?? 0) ? bootFailure : undefined,
    };
  } catch (error) {
    if (wasLeft()) return undefined;
    throw error;
  } finally {
    giveBack();
    lock?.release();
    detach.abort();
    (await input)?.stop();
  }

  function wasLeft(): boolean {
    return left;
  }
}

/** Never rejects: without input the output is still worth showing, and the container's end is told by the zone. */
async function connectInput(
  context: CliContext,
  watch: ZoneWatch,
  zone: ZoneUuid,
  options: ForegroundOptions & { readonly detach: AbortController; readonly leave: () => void },
): Promise<TypedInput | undefined> {
  const { signal } = options.detach;
  try {
    const vm = await watch.until(zone, (now) => now === undefined || now.state === "running" || hasEnded(now), signal);
    if (vm?.state !== "running") return undefined;
    return await typeInto(context, vm, options.detachKeys, options.leave);
  } catch (error) {
    const over = signal.aborted || watch.current(zone)?.state !== "running";
    if (!over) await context.output.err(`${context.formatError(error)}\n`);
    return undefined;
  }
}

/** `web exited 17 after 0.1 s: /entrypoint.sh not found in the image`: what is told when the program never ran. */
export function describeBootFailure(name: string, failure: BootFailure): string {
  const after = failure.afterMs === undefined ? "" : ` after ${(failure.afterMs / 1000).toFixed(1)} s`;
  return `${name} exited ${failure.code}${after}: ${bootFailureText(failure)}`;
}
