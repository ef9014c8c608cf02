/** At most so many pieces of work at once; the others wait in the order of their coming. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** Rejects with the signal's reason when it aborts before the turn has come; from then on `work` watches it. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.take(signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }

  private async take(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.free > 0) {
      this.free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const turn = (): void => resolve(undefined);
    const onAbort = (): void => {
      const at = this.waiting.indexOf(turn);
      if (at < 0) return; // its turn has come at the same moment
      this.waiting.splice(at, 1);
      reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    this.waiting.push(turn);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
