/** One sleeper that others wake: a wake that comes before the sleep is not kept, so look at what you wait for first. */
export class Wakeup {
  private resolve: (() => void) | undefined;

  /** Ends the sleep there is, if there is one. */
  wake(): void {
    this.resolve?.();
    this.resolve = undefined;
  }

  sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.resolve = () => resolve(undefined);
    return promise;
  }
}
