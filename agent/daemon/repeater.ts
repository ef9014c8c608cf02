/**
 * Work that is asked for more often than it can be done: one run at a time, and one more after it when it was asked for
 * meanwhile. A failure is told and does not end it.
 */
export class Repeater {
  private readonly work: () => Promise<void>;
  private readonly onError: (error: unknown) => void;
  private running: Promise<void> | undefined;
  private again = false;

  constructor(work: () => Promise<void>, onError: (error: unknown) => void) {
    this.work = work;
    this.onError = onError;
  }

  trigger(): void {
    this.again = true;
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.again) {
      this.again = false;
      try {
        await this.work();
      } catch (error) {
        this.onError(error);
      }
    }
  }
}
