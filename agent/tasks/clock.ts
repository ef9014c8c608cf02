// Time, as tasks need it; tests bring their own.
export interface Clock {
  /** Milliseconds since 1970; may be set back or forth at any time. */
  wallMs(): number;
  /** Milliseconds of a clock that only goes forward. */
  steadyMs(): number;
  /** Calls `work` once after `ms`. Returns how to prevent it. */
  after(ms: number, work: () => void): () => void;
}

/** Longer waits are cut: node fires timers beyond 2^31 ms at once. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  steadyMs: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, Math.min(Math.max(0, ms), LONGEST_MS));
    return () => clearTimeout(timer);
  },
};

/** Rejects with the signal's reason when it aborts first. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const cancel = clock.after(ms, () => resolve(undefined));
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}
