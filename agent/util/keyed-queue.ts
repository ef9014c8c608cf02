// Work in arrival order per key, keys independent of each other.

export interface KeyedQueue<Key> {
  /**
   * Runs `work` when everything before it under the same key is over. Rejects with the signal's reason when `signal`
   * aborts before its turn; from then on `work` has to watch the signal itself. `hold` keeps the key taken until a
   * promise settles, for work that outlives the waiting of whoever asked for it.
   */
  run<T>(
    key: Key,
    work: (hold: (until: PromiseLike<unknown>) => void) => Promise<T>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<T>;
  /** Number of keys in use; 0 when idle. */
  readonly size: number;
}

export function createKeyedQueue<Key>(): KeyedQueue<Key> {
  const tails = new Map<Key, Promise<void>>();

  return {
    get size() {
      return tails.size;
    },
    async run(key, work, { signal } = {}) {
      const before = tails.get(key);
      const { promise: over, resolve: release } = Promise.withResolvers<undefined>();
      const tail = Promise.all([before, over]).then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      tails.set(key, tail);
      const held: PromiseLike<unknown>[] = [];
      try {
        signal?.throwIfAborted();
        if (before) await orAborted(before, signal);
        return await work((until) => held.push(until));
      } finally {
        void Promise.allSettled(held).then(() => release(undefined));
      }
    },
  };
}

async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
