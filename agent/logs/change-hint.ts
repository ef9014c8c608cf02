// Told when something in a directory may have changed. File events are a hint to look sooner: platforms drop and merge
// them, and illumos may deliver none at all, so whoever waits also looks again after a while.
import { watch, type FSWatcher } from "node:fs";

export interface ChangeHint extends Disposable {
  /** Resolves at the next event, at once if there was one since the last call, and after `ms` or an abort in any case. */
  next(ms: number, signal?: AbortSignal): Promise<void>;
}

export function watchDirectory(directory: string): ChangeHint {
  let watcher: FSWatcher | undefined;
  let pending = false;
  let wake = (): void => undefined;
  const onChange = (): void => {
    pending = true;
    wake();
  };
  const close = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const arm = (): void => {
    if (watcher) return;
    try {
      // A follower must not be what keeps a process alive.
      watcher = watch(directory, { persistent: false }, onChange);
      // The directory has gone, or there are too many watches: looking again after a while has to do.
      watcher.on("error", close);
    } catch {
      // Not there yet.
    }
  };
  arm();
  return {
    async next(ms, signal) {
      arm();
      if (!pending && signal?.aborted !== true)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, ms);
          function done(): void {
            clearTimeout(timer);
            signal?.removeEventListener("abort", done);
            wake = () => undefined;
            resolve();
          }
          wake = done;
          signal?.addEventListener("abort", done, { once: true });
        });
      pending = false;
    },
    [Symbol.dispose]: close,
  };
}
