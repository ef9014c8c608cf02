// A live picture of the zones from one `vmadm events -jr` process: cheaper and quicker than asking again and again.
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { ZoneUuid } from "../util/ids.ts";

export interface ZoneWatch extends Disposable {
  /** Every zone as last told. */
  zones(): readonly VmObject[];
  current(zone: ZoneUuid): VmObject | undefined;
  /**
   * Resolves with the first state of the zone (undefined: it is gone) that satisfies `wanted`, the present one included.
   * Rejects with the signal's reason on abort, and when the watch itself fails for good.
   */
  until(
    zone: ZoneUuid,
    wanted: (vm: VmObject | undefined) => boolean,
    signal?: AbortSignal,
  ): Promise<VmObject | undefined>;
}

export interface WatchOptions {
  readonly zone?: ZoneUuid;
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up waiting for the first picture; without effect afterwards. */
  readonly readySignal?: AbortSignal | undefined;
  /** How long the first picture may take, in milliseconds. */
  readonly readyMs?: number;
}

/** `vmadm events` starts again by itself while vminfod is restarted; a node without vminfod must not look like one that is slow. */
const READY_MS = 30_000;

/**
 * Starts watching; resolves when the first complete picture is there. Raises VMINFOD_UNAVAILABLE where none comes in time,
 * and the reason of either signal. Nothing is left running then.
 */
export async function watchZones(vmadm: Pick<Vmadm, "events">, options: WatchOptions = {}): Promise<ZoneWatch> {
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([stop.signal, options.signal]) : stop.signal;
  const zones = new Map<string, VmObject>();
  const listeners = new Set<() => void>();
  const ready = Promise.withResolvers<undefined>();
  let failure: Error | undefined;

  const consume = async (): Promise<void> => {
    for await (const event of vmadm.events({ ...(options.zone === undefined ? {} : { zone: options.zone }), signal })) {
      switch (event.type) {
        case "ready":
          zones.clear();
          for (const vm of Object.values(event.vms)) zones.set(vm.uuid, vm);
          ready.resolve(undefined);
          break;
        case "create":
        case "modify":
          zones.set(event.vm.uuid, event.vm);
          break;
        case "delete":
          zones.delete(event.uuid);
          break;
      }
      for (const listener of [...listeners]) listener();
    }
    throw new AgentError(
      options.signal?.aborted ? "CANCELLED" : "VMINFOD_UNAVAILABLE",
      "the stream of zone events ended",
    );
  };
  void consume().catch((error: unknown) => {
    failure = fromUnknown(error);
    ready.reject(failure);
    for (const listener of [...listeners]) listener();
  });
  try {
    await readyInTime(ready.promise, options);
  } catch (error) {
    stop.abort();
    throw error;
  }

  return {
    zones: () => [...zones.values()],
    current: (zone) => zones.get(zone),
    until: async (zone, wanted, waitSignal) => {
      for (;;) {
        waitSignal?.throwIfAborted();
        const vm = zones.get(zone);
        if (wanted(vm)) return vm;
        if (failure !== undefined) throw failure;
        const changed = Promise.withResolvers<undefined>();
        const listener = (): void => {
          changed.resolve(undefined);
        };
        listeners.add(listener);
        waitSignal?.addEventListener("abort", listener, { once: true });
        await changed.promise;
        listeners.delete(listener);
        waitSignal?.removeEventListener("abort", listener);
      }
    },
    [Symbol.dispose]: () => {
      stop.abort();
    },
  };
}

async function readyInTime(ready: Promise<undefined>, options: WatchOptions): Promise<void> {
  const deadline = AbortSignal.timeout(options.readyMs ?? READY_MS);
  const given = options.readySignal ? AbortSignal.any([deadline, options.readySignal]) : deadline;
  const { promise: gaveUp, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  given.addEventListener("abort", onAbort, { once: true });
  if (given.aborted) onAbort();
  await Promise.race([ready, gaveUp]);
  given.removeEventListener("abort", onAbort);
  options.readySignal?.throwIfAborted();
  if (deadline.aborted)
    throw new AgentError("VMINFOD_UNAVAILABLE", "the node tells nothing about its zones", {
      hint: 'does "vmadm events -jr" work? vminfod has to run',
    });
}
