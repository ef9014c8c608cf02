// Tasks as every door uses them: asked for, told about, called off; and worked on, by one process of the node at a time.
// The journal is all that processes share: whoever accepts a task writes it there, and whoever works finds it there.
import { AgentError } from "../errors/agent-error.ts";
import { toWire, type WireError } from "../errors/chain.ts";
import type { Lock, LockOptions } from "../util/lock.ts";
import { createExecution, type ExecutionDependencies } from "./execution.ts";
import type { WorkClass } from "./lanes.ts";
import type { TaskRecord } from "./record.ts";
import { toRecord, type TaskRequest } from "./request.ts";
import { cancelledBeforeStart, createWorker, type Worker } from "./worker.ts";

/** The answer to a request, before anything of it is done. */
export type Receipt =
  /** Durably written; `repeated`: it was known already, and goes its way. */
  | { readonly state: "accepted" | "running"; readonly repeated: boolean; readonly record: TaskRecord }
  /** Known and ended: the same terminal event again. */
  | { readonly state: "finished"; readonly repeated: true; readonly record: TaskRecord }
  /** Nothing was written, nothing will be done. */
  | { readonly state: "rejected"; readonly taskId: string; readonly error: WireError };

export interface TaskService {
  /** Resolves when the task is on disk, or refused. Rejects only where the journal cannot be written. */
  submit(request: TaskRequest): Promise<Receipt>;
  /** `cancelled`: it had not begun and never will. `cancelling`: it ends as soon as it can; see its terminal event. */
  cancel(id: string): Promise<"cancelled" | "cancelling" | "finished">;
  get(id: string): Promise<TaskRecord | undefined>;
  /** Those that have not ended in order, then the newest of the others. */
  list(ended?: number): Promise<readonly TaskRecord[]>;
  /** Resolves to the record once it has ended; tells each state of it on the way. Whoever works may be another process. */
  wait(
    id: string,
    options: { readonly signal: AbortSignal; readonly onRecord?: (record: TaskRecord) => void },
  ): Promise<TaskRecord>;
  /**
   * Works: takes up what died processes left, then runs what waits and what comes. One process of the node does; others
   * wait here for their turn. With `untilDrained` it resolves when nothing is left to do, else when `signal` aborts;
   * then nothing new begins, and what runs is waited for. Raises JOURNAL_NEWER before anything is touched.
   */
  work(options: {
    readonly signal: AbortSignal;
    readonly untilDrained: boolean;
    readonly onWait?: () => void;
  }): Promise<void>;
}

export interface TaskServiceDependencies extends ExecutionDependencies {
  /** The lock of whoever works (`acquireLock` on one file of the node). */
  readonly lock: (options: LockOptions) => Promise<Lock | undefined>;
  readonly limits: Readonly<Record<WorkClass, number>>;
  /** Tasks that have not ended, beyond which new ones are refused. */
  readonly maxOpen?: number;
}

const MAX_OPEN = 1000;
/** Another look at the directory, in case a change of it was not told. */
const LOOK_MS = 1_000;

export function createTaskService(dependencies: TaskServiceDependencies): TaskService {
  const { journal, registry, sealing, clock, log, limits, maxOpen = MAX_OPEN } = dependencies;
  let lastOrder = 0;
  let worker: Worker | undefined;
  let openCount: number | undefined;

  let primed: Promise<void> | undefined;

  /** What earlier processes accepted comes before, also where the clock was set back since. */
  async function prime(): Promise<void> {
    const open = await journal.open();
    lastOrder = Math.max(lastOrder, open.at(-1)?.order ?? 0);
  }

  /** Grows, however the clock is set; tasks that two processes accept at once are in the order of the clock. */
  async function nextOrder(): Promise<number> {
    try {
      await (primed ??= prime());
    } catch (error) {
      primed = undefined;
      throw error;
    }
    lastOrder = Math.max(clock.wallMs(), lastOrder + 0.001);
    return lastOrder;
  }

  async function refuseWhenFull(): Promise<void> {
    // Counted anew where another process may have worked meanwhile.
    const open = worker && openCount !== undefined ? openCount : (await journal.files.open()).length;
    openCount = open;
    if (open >= maxOpen)
      throw new AgentError("TASKS_FULL", `${open} tasks wait or run on this node, more are not taken`, {
        hint: "ask again later",
        details: { open, limit: maxOpen },
      });
  }

  async function known(record: TaskRecord): Promise<Receipt | undefined> {
    const earlier = await journal.read(record.taskId);
    if (!earlier) return undefined;
    if (earlier.digest !== record.digest)
      throw new AgentError("TASK_EXISTS", `another request was made under the id ${record.taskId}`, {
        hint: "give each request an id of its own",
        details: { task: earlier.task, receivedAt: earlier.receivedAt },
      });
    return { state: earlier.state, repeated: true, record: earlier };
  }

  async function submit(request: TaskRequest): Promise<Receipt> {
    try {
      const order = await nextOrder();
      const { record } = toRecord(request, { registry, sealing, nowMs: clock.wallMs(), order });
      const repeat = await known(record);
      if (repeat) return repeat;
      await refuseWhenFull();
      if (!(await journal.create(record))) {
        // Somebody else was faster with the same id.
        const other = await known(record);
        if (other) return other;
        throw new AgentError("INTERNAL", `task ${record.taskId} is known and cannot be read`);
      }
      if (openCount !== undefined) openCount++;
      log.info({ task: record.taskId, name: record.task, zone: record.vm }, "task accepted");
      worker?.take(record);
      return { state: "accepted", repeated: false, record };
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === "JOURNAL_NEWER") throw error;
      return { state: "rejected", taskId: request.taskId, error: toWire(error) };
    }
  }

  async function need(id: string): Promise<TaskRecord> {
    const record = await journal.read(id);
    if (record) return record;
    throw new AgentError("TASK_NOT_FOUND", `no task ${id}`, { hint: 'see "zonelet task ls"' });
  }

  async function cancel(id: string): Promise<"cancelled" | "cancelling" | "finished"> {
    if ((await need(id)).state === "finished") return "finished";
    await journal.files.askCancel(id);
    if (worker) await worker.look();
    else {
      const lock = await dependencies.lock({ timeoutMs: 0 });
      // Where nobody works, a task that waits ends here and now; one whose process died is settled by who works next.
      if (lock)
        try {
          const record = await need(id);
          if (record.state === "accepted")
            await createExecution(record, dependencies).end(cancelledBeforeStart(record));
        } finally {
          lock.release();
        }
    }
    const after = await need(id);
    if (after.state !== "finished") return "cancelling";
    return after.terminal?.status === "cancelled" ? "cancelled" : "finished";
  }

  async function wait(
    id: string,
    { signal, onRecord }: { readonly signal: AbortSignal; readonly onRecord?: (record: TaskRecord) => void },
  ): Promise<TaskRecord> {
    for (;;) {
      const changed = Promise.withResolvers<undefined>();
      const stops = [
        journal.files.onChange(() => changed.resolve(undefined)),
        clock.after(LOOK_MS, () => changed.resolve(undefined)),
      ];
      const onAbort = (): void => changed.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        signal.throwIfAborted();
        const record = await need(id);
        onRecord?.(record);
        if (record.state === "finished") return record;
        await changed.promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
        for (const stop of stops) stop();
      }
    }
  }

  return {
    submit,
    cancel,
    wait,
    get: (id) => journal.read(id),
    list: async (ended = 50) => [...(await journal.open()), ...(await journal.ended(ended))],
    async work({ signal, untilDrained, onWait }) {
      const lock = await dependencies.lock({ signal, ...(onWait ? { onWait } : {}) });
      if (!lock) throw new AgentError("LOCKED", "another process works on tasks");
      await workLocked(lock, signal, untilDrained);
    },
  };

  async function workLocked(lock: Lock, signal: AbortSignal, untilDrained: boolean): Promise<void> {
    const idle = Promise.withResolvers<undefined>();
    const leaving = new AbortController();
    const mine = createWorker(dependencies, {
      onIdle: () => {
        if (untilDrained || leaving.signal.aborted) idle.resolve(undefined);
      },
      onEnded: () => {
        if (openCount !== undefined) openCount--;
      },
      limits,
    });
    const onAbort = (): void => {
      leaving.abort();
      mine.lanes.close();
    };
    try {
      const open = await journal.open();
      lastOrder = Math.max(lastOrder, open.at(-1)?.order ?? 0);
      openCount = open.length;
      worker = mine;
      const stopWatching = journal.files.onChange(() => void mine.look().catch(tellLookFailed));
      let stopTimer = (): void => undefined;
      const again = (): void => {
        void mine.look().catch(tellLookFailed);
        stopTimer = clock.after(LOOK_MS, again);
      };
      try {
        await mine.look(open);
        stopTimer = clock.after(LOOK_MS, again);
        signal.addEventListener("abort", onAbort, { once: true });
        if (signal.aborted) onAbort();
        if (mine.isIdle && (untilDrained || leaving.signal.aborted)) idle.resolve(undefined);
        await idle.promise;
        await journal.prune(clock.wallMs());
      } finally {
        stopTimer();
        stopWatching();
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      worker = undefined;
      openCount = undefined;
      lock.release();
    }
  }

  function tellLookFailed(error: unknown): void {
    log.warn({ err: error }, "could not look for new tasks");
  }
}
