// Events in memory: everything that is appended to the history, handed to any number of readers, each with a bounded
// queue. A reader that is too slow loses its oldest events and is told how many; it never holds up anybody else.
import type { Predicate } from "../filters/evaluate.ts";
import { Wakeup } from "../util/wakeup.ts";
import { draftEvent, type Envelope } from "./envelope.ts";
import type { History } from "./history.ts";

export interface SubscribeOptions {
  /** Number of the first event wanted; absent: only what comes from now on. */
  readonly from?: number;
  /** Events before this one end nothing; the first one after it (by time) ends the stream. */
  readonly until?: Date;
  readonly matches?: Predicate<Envelope>;
  /** Events held for a slow reader. */
  readonly capacity?: number;
  readonly signal?: AbortSignal | undefined;
  /** End when everything there is now has been told. */
  readonly follow?: boolean;
}

/** Kept for readers that ask for what was a moment ago; what is older is read from the history. */
const RING = 4096;
const CAPACITY = 4096;

export class EventBus {
  private readonly history: History;
  private readonly ring: Envelope[] = [];
  private readonly readers = new Set<Reader>();
  private newest: number;

  /** `newest`: number of the last event before the first one that will be published. */
  constructor(history: History, newest: number) {
    this.history = history;
    this.newest = newest;
  }

  get readerCount(): number {
    return this.readers.size;
  }

  get lastNumber(): number {
    return this.newest;
  }

  /** In the order of their numbers; what was published already is passed over. */
  publish(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) {
      if (envelope.seq <= this.newest) continue;
      this.newest = envelope.seq;
      this.ring.push(envelope);
      for (const reader of this.readers) reader.offer(envelope);
    }
    if (this.ring.length > 2 * RING) this.ring.splice(0, this.ring.length - RING);
  }

  /**
   * Events from `from` on, each once and in order: those of the history first, and without a gap the new ones. A marker
   * `/agent/truncated` comes first where some that were asked for are not kept any more. Ends on abort, with `until`, and
   * without `follow` when what there is now has been told. Leaving the iteration ends the subscription.
   */
  async *subscribe(options: SubscribeOptions): AsyncGenerator<Envelope> {
    const { matches = () => true, signal, until, follow = true } = options;
    // Registered before the history is looked at: what is published meanwhile waits in the queue.
    const end = this.newest;
    const reader = new Reader(options.capacity ?? CAPACITY, matches, end);
    this.readers.add(reader);
    const onAbort = (): void => reader.wake();
    signal?.addEventListener("abort", onAbort, { once: true });
    const untilMs = until?.getTime() ?? Infinity;
    const timer = until ? setTimeout(onAbort, Math.min(2 ** 31 - 1, Math.max(0, untilMs - Date.now()))) : undefined;
    timer?.unref();
    try {
      for await (const envelope of this.past(options.from ?? end + 1, end)) {
        if (signal?.aborted) return;
        if (Date.parse(envelope.timestamp) > untilMs) return;
        if (envelope.seq === 0 || matches(envelope)) yield envelope;
      }
      while (follow && !signal?.aborted) {
        const envelope = reader.take();
        if (envelope) {
          if (Date.parse(envelope.timestamp) > untilMs) return;
          yield envelope;
        } else if (Date.now() >= untilMs) return;
        else await reader.wait();
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.readers.delete(reader);
    }
  }

  private async *past(from: number, end: number): AsyncGenerator<Envelope> {
    if (from > end) return;
    const { oldest } = await this.history.range();
    if (from < oldest) {
      const asked = { asked: from, oldest };
      yield { seq: 0, ...draftEvent("/agent/truncated", asked, { at: new Date(), namespace: "default" }) };
    }
    let next = from;
    const first = this.ring[0]?.seq;
    if (first === undefined || next < first) {
      for await (const envelope of this.history.read(next)) {
        if (envelope.seq > end) return;
        next = envelope.seq + 1;
        yield envelope;
      }
    }
    // Whatever the files did not have yet, or all of it, is in memory.
    for (const envelope of this.ring.filter((one) => one.seq >= next && one.seq <= end)) yield envelope;
  }
}

class Reader {
  private readonly capacity: number;
  private readonly matches: Predicate<Envelope>;
  private readonly after: number;
  private queue: Envelope[] = [];
  private head = 0;
  private dropped = 0;
  private readonly wakeup = new Wakeup();

  constructor(capacity: number, matches: Predicate<Envelope>, after: number) {
    this.capacity = capacity;
    this.matches = matches;
    this.after = after;
  }

  offer(envelope: Envelope): void {
    if (envelope.seq <= this.after || !this.matches(envelope)) return;
    this.queue.push(envelope);
    if (this.queue.length - this.head > this.capacity) {
      this.head++;
      this.dropped++;
    }
    if (this.head > this.capacity) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    this.wake();
  }

  take(): Envelope | undefined {
    if (this.dropped > 0) {
      const count = this.dropped;
      this.dropped = 0;
      return { seq: 0, ...draftEvent("/agent/dropped", { count }, { at: new Date(), namespace: "default" }) };
    }
    const envelope = this.queue[this.head];
    if (envelope === undefined) return undefined;
    this.head++;
    if (this.head === this.queue.length) {
      this.queue = [];
      this.head = 0;
    }
    return envelope;
  }

  wake(): void {
    this.wakeup.wake();
  }

  wait(): Promise<void> {
    return this.wakeup.sleep();
  }
}
