// Many writers, one flush: whoever comes while a flush runs shares the next one.

/** Each call resolves after a run of `flush` that began later than the call. A failed run fails those who waited for it. */
export function createGroupCommit(flush: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function run(): Promise<void> {
    // Its failure is told to those who wait for it, not to us.
    await running?.catch(() => undefined);
    running = next;
    next = undefined;
    await flush();
  }

  return () => (next ??= run());
}
