// Whoever works: takes tasks out of the journal, puts them into their lanes, and obeys wishes to cancel.
import { AgentError } from "../errors/agent-error.ts";
import { toWire } from "../errors/chain.ts";
import { createExecution, expired, type Execution, type ExecutionDependencies } from "./execution.ts";
import { createLanes, type Lanes, type WorkClass } from "./lanes.ts";
import type { TaskRecord } from "./record.ts";

/** So long after a task's end a look at the directory that began before it may still be under way. */
const REMEMBER_MS = 60_000;

export interface Worker {
  readonly lanes: Lanes;
  readonly isIdle: boolean;
  take(record: TaskRecord): void;
  /** Takes what is new in the journal, and obeys wishes to cancel. */
  look(open?: readonly TaskRecord[]): Promise<void>;
}

export function createWorker(
  dependencies: ExecutionDependencies,
  options: {
    readonly onIdle: () => void;
    readonly onEnded: () => void;
    readonly limits: Readonly<Record<WorkClass, number>>;
  },
): Worker {
  const { journal, registry, clock, log } = dependencies;
  const executions = new Map<string, Execution>();
  /** Taken by this process; a stale look at the directory must not bring one back. */
  const taken = new Set<string>();
  const lanes = createLanes(options.limits, tellIdle);

  /** With the lanes closed what waits stays for the next process. */
  function isIdle(): boolean {
    return executions.size === (lanes.isClosed ? lanes.waiting : 0);
  }

  function tellIdle(): void {
    if (isIdle()) options.onIdle();
  }

  function forget(id: string): void {
    executions.delete(id);
    options.onEnded();
    clock.after(REMEMBER_MS, () => void taken.delete(id));
    tellIdle();
  }

  /** Ends a task that waits; false when it does not wait any more. */
  function endWaiting(execution: Execution, terminal: Parameters<Execution["end"]>[0]): boolean {
    const { taskId } = execution.record;
    if (!lanes.remove(taskId)) return false;
    void execution.end(terminal).finally(() => forget(taskId));
    return true;
  }

  function take(record: TaskRecord): void {
    const { taskId } = record;
    if (taken.has(taskId) || record.state === "finished") return;
    taken.add(taskId);
    const execution = createExecution(record, dependencies);
    executions.set(taskId, execution);
    const task = registry.get(record.task);
    const stop =
      record.notAfter === undefined || record.state !== "accepted"
        ? (): void => undefined
        : clock.after(
            record.notAfter - clock.wallMs(),
            () => void endWaiting(execution, expired({ name: record.task })),
          );
    lanes.add({
      id: taskId,
      // A task a newer zonelet accepted: it ends as one this node does not know.
      class: task?.class ?? "server_tasks",
      lane: task?.mutates === false ? undefined : record.vm,
      jumps: task?.jumps ?? false,
      run: async () => {
        stop();
        try {
          await execution.run();
        } catch (error) {
          log.error({ task: taskId, err: error }, "task ended without an end");
        } finally {
          forget(taskId);
        }
      },
    });
  }

  async function look(given?: readonly TaskRecord[]): Promise<void> {
    const records = given ?? (await newRecords());
    for (const record of records) take(record);
    for (const id of await journal.files.cancels()) {
      const execution = executions.get(id);
      if (!execution) continue;
      execution.cancel();
      if (execution.record.state === "accepted") endWaiting(execution, cancelledBeforeStart(execution.record));
    }
  }

  async function newRecords(): Promise<readonly TaskRecord[]> {
    const ids = (await journal.files.open()).filter((id) => !taken.has(id));
    const records = await Promise.all(ids.map((id) => journal.read(id)));
    return records.filter((record) => record !== undefined).toSorted((a, b) => a.order - b.order);
  }

  return {
    lanes,
    take,
    look,
    get isIdle() {
      return isIdle();
    },
  };
}

/** The end of a task that was called off while it waited. */
export function cancelledBeforeStart(record: TaskRecord): Parameters<Execution["end"]>[0] {
  const error = new AgentError("CANCELLED", `task ${record.task} was cancelled before it began`);
  return { status: "cancelled", error: toWire(error) };
}
