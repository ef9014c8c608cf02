// One task from "may run now" to its terminal event. Nothing here rejects: whatever happens becomes the record's end.
//
//   running, attempt n (on disk) → run → finished (on disk)
//   found running by another process: its children end → observe → done | again | interrupted
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown, toWire } from "../errors/chain.ts";
import type { Logger } from "../log/logger.ts";
import { isAlive, processIdentity } from "../util/process-identity.ts";
import { pause, type Clock } from "./clock.ts";
import type { Journal } from "./journal.ts";
import { finished, withEvent, type TaskRecord, type Terminal } from "./record.ts";
import { findTask, openParams, withoutSecrets, type Registry } from "./request.ts";
import type { Sealing } from "./sealing.ts";
import type { Observation, ParsedTask, Task, TaskContext } from "./task.ts";

export interface ExecutionDependencies {
  readonly journal: Journal;
  readonly registry: Registry;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of every change of a record. */
  readonly onRecord?: ((record: TaskRecord) => void) | undefined;
}

/** A caller can tell slow from dead by these (amqp-head-node.md 19.4, "progress of long work"). */
const KEEP_ALIVE_MS = 15_000;
/** After so many processes died over it a task is not tried again. */
const MAX_ATTEMPTS = 2;
const CHILD_DEADLINE_MS = 300_000;
/** Between two attempts to write down how a task ended, where the disk is full. */
const RETRY_MS = 1_000;
/** For the commands of a task that was stopped to end by themselves, and for a look at what came of it. */
const OBSERVE_MS = 60_000;
const CHILD_LOOK_MS = 50;

export interface Execution {
  readonly record: TaskRecord;
  /** Ends the task: at once when it waits, else as its deadline would. */
  cancel(): void;
  run(): Promise<void>;
  /** Ends it without having run. */
  end(terminal: Omit<Terminal, "at">): Promise<void>;
}

export function createExecution(first: TaskRecord, dependencies: ExecutionDependencies): Execution {
  const { journal, registry, sealing, clock, log } = dependencies;
  let record = first;
  const cancelled = new AbortController();
  const now = (): string => new Date(clock.wallMs()).toISOString();
  /** `notAfter` on the clock that only goes forward: what was promised does not move with the wall clock. */
  const notAfter = first.notAfter === undefined ? undefined : clock.steadyMs() + (first.notAfter - clock.wallMs());
  const isLate = (): boolean => notAfter !== undefined && clock.steadyMs() > notAfter;

  /** Progress, steps, children: worth keeping, not worth failing for. */
  function keep(next: TaskRecord): void {
    if (record.state === "finished") return;
    record = next;
    dependencies.onRecord?.(record);
    try {
      journal.saveNow(record);
    } catch (error) {
      log.warn({ task: record.taskId, err: error }, "state of a task not written");
    }
  }

  async function end(terminal: Omit<Terminal, "at">): Promise<void> {
    const ended = finished(record, { ...terminal, at: now() });
    for (;;) {
      try {
        await journal.finish(ended);
        break;
      } catch (error) {
        // The work is done and must be told: until the disk takes it, nobody is told anything else.
        log.error({ task: record.taskId, err: error }, "end of a task not written; trying again");
        await pause(clock, RETRY_MS, new AbortController().signal);
      }
    }
    record = ended;
    dependencies.onRecord?.(record);
    log.info({ task: record.taskId, name: record.task, zone: record.vm, status: terminal.status }, "task ended");
  }

  function contextFor(signal: AbortSignal): TaskContext {
    return {
      taskId: record.taskId,
      signal,
      get facts() {
        return record.facts;
      },
      async note(facts) {
        record = { ...record, facts: { ...record.facts, ...facts } };
        await journal.save(record);
      },
      async step(name, percent, work) {
        signal.throwIfAborted();
        const at = now();
        keep(withEvent({ ...record, steps: [...record.steps, { name, at }] }, `start:${name}`, at));
        const result = await work();
        const endedAt = now();
        const steps = record.steps.map((step, i) => (i === record.steps.length - 1 ? { ...step, endedAt } : step));
        keep(withProgress(withEvent({ ...record, steps }, `end:${name}`, endedAt), percent, endedAt));
        return result;
      },
      progress: (percent) => keep(withProgress(record, percent, now())),
      onSpawn: (pid, argv) =>
        keep({
          ...record,
          children: [...record.children.filter(isAlive), { ...processIdentity(pid), argv: [...argv] }],
        }),
      sleep: (ms) => pause(clock, ms, signal),
    };
  }

  async function attempt(parsed: ParsedTask, signal: AbortSignal): Promise<unknown> {
    const at = now();
    const begun: TaskRecord = {
      ...record,
      state: "running",
      startedAt: record.startedAt ?? at,
      attempt: record.attempt + 1,
    };
    const started = withEvent(begun, "start", at, { attempt: begun.attempt });
    // What cannot be written down is not begun.
    await journal.save(started);
    record = started;
    dependencies.onRecord?.(record);
    const begin = clock.steadyMs();
    let stop = (): void => undefined;
    const tick = (): void => {
      const step = record.steps.findLast(({ endedAt }) => endedAt === undefined)?.name;
      const elapsedS = Math.round((clock.steadyMs() - begin) / 1000);
      keep(
        withEvent(record, "progress", now(), {
          progress: record.progress,
          elapsedS,
          ...(step === undefined ? {} : { step }),
        }),
      );
      stop = clock.after(KEEP_ALIVE_MS, tick);
    };
    stop = clock.after(KEEP_ALIVE_MS, tick);
    try {
      signal.throwIfAborted();
      return await parsed.run(contextFor(signal));
    } finally {
      stop();
    }
  }

  async function childrenEnd(withinMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = clock.steadyMs() + withinMs;
    while (record.children.some(isAlive)) {
      if (clock.steadyMs() > deadline) return false;
      await pause(clock, CHILD_LOOK_MS, signal);
    }
    return true;
  }

  /** What a died process left: its children first, then a look. */
  async function settle(parsed: ParsedTask, signal: AbortSignal): Promise<Observation<unknown>> {
    if (!(await childrenEnd(CHILD_DEADLINE_MS, signal)))
      return { found: "unclear", what: "a command of an earlier attempt still runs" };
    return parsed.observe(contextFor(signal));
  }

  async function decide(task: Task, params: Readonly<Record<string, unknown>>): Promise<Omit<Terminal, "at">> {
    const deadline = new AbortController();
    const stop = clock.after(record.deadlineS * 1000, () => {
      const told = `task ${task.name} took longer than ${record.deadlineS} s`;
      deadline.abort(new AgentError("DEADLINE", told));
    });
    const signal = AbortSignal.any([cancelled.signal, deadline.signal]);
    try {
      const parsed = task.parse(params);
      try {
        if (record.state === "running") {
          const left = await settle(parsed, signal);
          if (left.found === "done") return { status: "ok", result: left.result };
          const why = left.found === "unclear" ? left.what : undefined;
          if (why !== undefined || record.attempt >= MAX_ATTEMPTS)
            return { status: "interrupted", error: interrupted(task, record, why) };
          cancelled.signal.throwIfAborted();
        }
        if (isLate()) return expired(task);
        return { status: "ok", result: await attempt(parsed, signal) };
      } catch (error) {
        if (!signal.aborted) throw error;
        return await afterAbort(parsed, error);
      }
    } catch (error) {
      return { status: "failed", error: toWire(error) };
    } finally {
      stop();
    }
  }

  /** Cancelled or out of time: commands of the platform are never cut off half-way, so what came of it is looked up. */
  async function afterAbort(parsed: ParsedTask, error: unknown): Promise<Omit<Terminal, "at">> {
    const look = new AbortController();
    const stop = clock.after(OBSERVE_MS, () => look.abort(new AgentError("DEADLINE", "no answer of the platform")));
    try {
      await childrenEnd(OBSERVE_MS, look.signal);
      const found = record.attempt === 0 ? undefined : await parsed.observe(contextFor(look.signal));
      if (found?.found === "done") return { status: "ok", result: found.result };
      const cause = fromUnknown(error);
      const details = found?.found === "unclear" ? { found: found.what } : {};
      const ours = new AgentError(cause.code, cause.message, {
        cause: cause.cause,
        details: { ...cause.details, ...details },
      });
      return { status: cancelled.signal.aborted ? "cancelled" : "failed", error: toWire(ours) };
    } catch {
      return { status: cancelled.signal.aborted ? "cancelled" : "failed", error: toWire(error) };
    } finally {
      stop();
    }
  }

  return {
    get record() {
      return record;
    },
    cancel: () => cancelled.abort(new AgentError("CANCELLED", `task ${first.task} was cancelled`)),
    end,
    async run() {
      let task: Task;
      let params: Readonly<Record<string, unknown>>;
      try {
        task = findTask(registry, record.task);
        params = openParams(task, record, sealing);
      } catch (error) {
        await end({ status: record.attempt === 0 ? "failed" : "interrupted", error: toWire(error) });
        return;
      }
      const { error, ...terminal } = await decide(task, params);
      await end(error === undefined ? terminal : { ...terminal, error: cleaned(error, task, params) });
    },
  };
}

function withProgress(record: TaskRecord, percent: number, at: string): TaskRecord {
  const progress = Math.min(99, Math.round(percent));
  if (progress <= record.progress) return record;
  return withEvent({ ...record, progress }, "progress", at, { progress });
}

export function expired(task: Pick<Task, "name">): Omit<Terminal, "at"> {
  const error = new AgentError("TASK_EXPIRED", `task ${task.name} could not begin before its time was over`);
  return { status: "expired", error: toWire(error) };
}

function interrupted(task: Task, record: TaskRecord, what: string | undefined): NonNullable<Terminal["error"]> {
  const why = what ?? `the agent died ${record.attempt} times over it`;
  return toWire(
    new AgentError("TASK_INTERRUPTED", `task ${task.name} was interrupted: ${why}`, {
      hint: "look at the zone, then ask again under a new id",
      details: { attempt: record.attempt, ...(record.vm === undefined ? {} : { zone: record.vm }) },
    }),
  );
}

type WireError = NonNullable<Terminal["error"]>;

function cleaned(error: WireError, task: Task, params: Readonly<Record<string, unknown>>): WireError {
  const clean = (text: string): string => {
    const cleanText = withoutSecrets(text, task, params);
    return typeof cleanText === "string" ? cleanText : "";
  };
  const details = withoutSecrets(error.details, task, params);
  return {
    ...error,
    message: clean(error.message),
    ...(error.hint === undefined ? {} : { hint: clean(error.hint) }),
    ...(typeof details === "object" && details !== null
      ? { details: Object.fromEntries(Object.entries(details)) }
      : {}),
  };
}
