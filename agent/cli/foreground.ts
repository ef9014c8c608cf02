// A container in the foreground: its output on ours, its exit status ours, Ctrl-C stops it.
import { AgentError } from "../errors/agent-error.ts";
import { readLog } from "../logs/read.ts";
import { acquireLock } from "../util/lock.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { bootFailureText, explainsExit, readBootFailure, type BootFailure } from "../zones/boot-log.ts";
import type { ExitStatus } from "../vmadm/exit-status.ts";
import { attachLockPath } from "../zones/locks.ts";
import { exitOf, hasEnded } from "../zones/observe.ts";
import type { ZoneWatch } from "../zones/watch.ts";
import type { CliContext } from "./context.ts";

export interface ForegroundEnd {
  readonly exit: ExitStatus;
  /** Set when dockerinit, not the program, ended the container. */
  readonly bootFailure: BootFailure | undefined;
}

/**
 * Shows the container's output until it has ended, from the beginning of its log. The first SIGINT or SIGTERM stops the
 * container as `zonelet stop` does, a second one kills it; SIGHUP leaves it running and detaches (CANCELLED).
 */
export async function runForeground(
  context: CliContext,
  watch: ZoneWatch,
  zone: ZoneUuid,
  zonepath: string,
): Promise<ForegroundEnd> {
  const { vmadm, containers, host } = context.agent();
  const detach = new AbortController();
  const lock = await acquireLock(attachLockPath(host.paths, zone), { timeoutMs: 0 });
  let asked = 0;
  let stopping: Promise<unknown> = Promise.resolve();
  const obey = (signal: NodeJS.Signals): void => {
    if (signal === "SIGHUP") {
      detach.abort(new AgentError("CANCELLED", "detached; the container goes on"));
      return;
    }
    asked++;
    stopping = asked === 1 ? containers.stop(zone) : vmadm.stop(zone, { force: true });
    stopping.catch((error: unknown) => {
      detach.abort(error);
    });
  };
  const giveBack = context.interrupts.take(obey);
  // A signal that came between the start and this moment must not leave the container running unseen.
  if (context.interrupts.signal.aborted) obey("SIGINT");
  try {
    const ended = (): boolean => {
      const vm = watch.current(zone);
      return vm === undefined || hasEnded(vm);
    };
    const logs = host.paths.inGlobalZone(`${zonepath}/logs`);
    for await (const chunk of readLog(logs, { follow: true, ended, signal: detach.signal }))
      await (chunk.stream === "stderr" ? context.output.err(chunk.bytes) : context.output.out(chunk.bytes));
    detach.signal.throwIfAborted();
    const vm = await watch.until(zone, (now) => now === undefined || hasEnded(now), detach.signal);
    await stopping;
    const exit = vm ? exitOf(vm) : undefined;
    if (!exit) throw new AgentError("CONTAINER_NOT_FOUND", "the container was removed while it ran");
    const bootFailure = readBootFailure(host.paths.inGlobalZone(`${zonepath}/root`));
    return {
      exit,
      bootFailure: bootFailure && explainsExit(bootFailure, vm?.exit_status ?? 0) ? bootFailure : undefined,
    };
  } finally {
    giveBack();
    lock?.release();
  }
}

/** `web exited 17 after 0.1 s: /entrypoint.sh not found in the image`: what is told when the program never ran. */
export function describeBootFailure(name: string, failure: BootFailure): string {
  const after = failure.afterMs === undefined ? "" : ` after ${(failure.afterMs / 1000).toFixed(1)} s`;
  return `${name} exited ${failure.code}${after}: ${bootFailureText(failure)}`;
}
