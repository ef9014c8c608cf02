// A journal in memory that dies at a chosen write, and a clock that is turned by hand.
import { AgentError } from "../../agent/errors/agent-error.ts";
import type { Clock } from "../../agent/tasks/clock.ts";
import type { TaskFiles } from "../../agent/tasks/task-files.ts";

export interface TaskDisk {
  readonly open: Map<string, string>;
  readonly ended: Map<string, string>;
  readonly cancels: Set<string>;
  /** Ids in the order in which they came to be on the disk. */
  readonly accepted: string[];
}

export const emptyDisk = (): TaskDisk => ({ open: new Map(), ended: new Map(), cancels: new Set(), accepted: [] });

/** One process over the disk. After write number `dieAt` nothing of it reaches anything any more. */
export interface Life {
  readonly files: TaskFiles;
  readonly died: Promise<unknown>;
  isDead(): boolean;
  die(): void;
}

export function aLife(disk: TaskDisk, dieAt = Infinity, applied = true): Life {
  const death = Promise.withResolvers<undefined>();
  let dead = false;
  let writes = 0;
  const die = (): void => {
    dead = true;
    death.resolve(undefined);
  };
  const never = (): Promise<never> => new Promise(() => undefined);
  /** True where the write takes place; the process may be dead afterwards. */
  const write = (work: () => void): void => {
    if (dead) return;
    const last = ++writes >= dieAt;
    if (!last || applied) work();
    if (last) die();
  };
  const after = async <T>(result: () => T): Promise<T> => {
    await Promise.resolve();
    return dead ? never() : result();
  };
  const files: TaskFiles = {
    create(id, text) {
      if (disk.open.has(id) || disk.ended.has(id)) return after(() => false);
      write(() => {
        disk.open.set(id, text);
        disk.accepted.push(id);
      });
      return after(() => true);
    },
    save(id, text) {
      write(() => disk.open.set(id, text));
      return after(() => undefined);
    },
    saveNow(id, text) {
      write(() => disk.open.set(id, text));
      if (dead) throw new AgentError("INTERNAL", "dead");
    },
    finish(id, text) {
      write(() => {
        disk.ended.set(id, text);
        disk.open.delete(id);
        disk.cancels.delete(id);
      });
      return after(() => undefined);
    },
    read: (id) => after(() => disk.ended.get(id) ?? disk.open.get(id)),
    open: () => after(() => [...disk.open.keys()]),
    ended: () => after(() => [...disk.ended.keys()].map((id) => ({ id, atMs: Date.UTC(2026, 0, 1) }))),
    forget: (id) => {
      disk.ended.delete(id);
      return after(() => undefined);
    },
    setAside: (id) => {
      disk.open.delete(id);
      return after(() => id);
    },
    askCancel: (id) => {
      write(() => disk.cancels.add(id));
      return after(() => undefined);
    },
    cancels: () => after(() => [...disk.cancels]),
    onChange: () => () => undefined,
  };
  return { files, died: death.promise, isDead: () => dead, die };
}

export interface ManualClock extends Clock {
  /** Moves both clocks on and fires what is due, letting each have its effect. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock alone. */
  setWall(ms: number): void;
}

export function manualClock(): ManualClock {
  let wall = Date.UTC(2026, 0, 1);
  let steady = 0;
  const timers = new Set<{ readonly at: number; readonly work: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    wallMs: () => wall,
    steadyMs: () => steady,
    setWall: (ms) => {
      wall = ms;
    },
    after(ms, work) {
      const timer = { at: steady + Math.max(0, ms), work };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const end = steady + ms;
      for (;;) {
        await settle();
        const next = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers.delete(next);
        wall += next.at - steady;
        steady = Math.max(steady, next.at);
        next.work();
      }
      wall += end - steady;
      steady = end;
      await settle();
    },
  };
}
