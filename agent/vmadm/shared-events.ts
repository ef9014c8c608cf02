// One `vmadm events` process for any number of listeners, and the table of zones it keeps up to date: how a daemon answers
// what the zones are without starting a command (vmadm.md 12).
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import { Wakeup } from "../util/wakeup.ts";
import type { Vmadm } from "./client.ts";
import type { VmEvent, VmObject } from "./schema.ts";

export interface SharedEvents extends Pick<Vmadm, "events"> {
  /** Every zone as last told; undefined before the first complete picture. */
  zones(): readonly VmObject[] | undefined;
  /** Resolves when the stream has ended after an abort; rejects when it cannot be had for good. */
  readonly done: Promise<void>;
  /** How often a complete picture was told: more than once means that the stream was lost in between. */
  readonly pictures: number;
}

/** Events held for one listener; a slower one is told the whole picture again instead. */
const CAPACITY = 1024;

/** Listens until `signal` aborts. A listener's stream begins with the picture there is, as `vmadm events -r` does. */
export function shareEvents(vmadm: Pick<Vmadm, "events">, signal: AbortSignal): SharedEvents {
  const zones = new Map<string, VmObject>();
  const listeners = new Set<Listener>();
  let pictures = 0;
  let stream = "";
  let ended: Error | undefined;

  const picture = (): VmEvent | undefined =>
    pictures === 0
      ? undefined
      : { type: "ready", date: new Date().toISOString(), uuid: stream, vms: Object.fromEntries(zones) };

  const listen = async (): Promise<void> => {
    try {
      for await (const event of vmadm.events({ signal })) {
        if (event.type === "ready") {
          zones.clear();
          for (const vm of Object.values(event.vms)) zones.set(vm.uuid, vm);
          pictures++;
          stream = event.uuid;
        } else if (event.type === "delete") zones.delete(event.uuid);
        else zones.set(event.vm.uuid, event.vm);
        for (const listener of listeners) listener.offer(event);
      }
      ended = new AgentError("CANCELLED", "the stream of zone changes was ended");
    } catch (error) {
      ended = fromUnknown(error);
      throw error;
    } finally {
      for (const listener of listeners) listener.wake();
    }
  };
  const done = listen();
  done.catch(() => undefined); // whoever cares waits for it; listeners are told

  return {
    done,
    get pictures() {
      return pictures;
    },
    zones: () => (pictures === 0 ? undefined : [...zones.values()]),
    events: async function* (options = {}) {
      const { zone, signal: own } = options;
      const listener = new Listener(picture);
      listeners.add(listener);
      const onAbort = (): void => listener.wake();
      own?.addEventListener("abort", onAbort, { once: true });
      try {
        while (!own?.aborted) {
          const event = listener.take();
          if (event === undefined) {
            if (ended !== undefined && !signal.aborted) throw ended;
            if (signal.aborted) return;
            await listener.wait();
          } else if (zone === undefined || event.type === "ready" || event.uuid === zone) yield event;
        }
      } finally {
        own?.removeEventListener("abort", onAbort);
        listeners.delete(listener);
      }
    },
  };
}

class Listener {
  private readonly picture: () => VmEvent | undefined;
  private queue: VmEvent[] = [];
  private wantsPicture = true;
  private readonly wakeup = new Wakeup();

  constructor(picture: () => VmEvent | undefined) {
    this.picture = picture;
  }

  offer(event: VmEvent): void {
    if (event.type === "ready" || this.queue.length >= CAPACITY) {
      this.queue = [];
      this.wantsPicture = true;
    } else if (!this.wantsPicture) this.queue.push(event);
    this.wake();
  }

  take(): VmEvent | undefined {
    if (!this.wantsPicture) return this.queue.shift();
    const picture = this.picture();
    if (picture) this.wantsPicture = false;
    return picture;
  }

  wake(): void {
    this.wakeup.wake();
  }

  wait(): Promise<void> {
    return this.wakeup.sleep();
  }
}
