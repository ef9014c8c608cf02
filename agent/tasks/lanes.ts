// Who may run now. Two rules at once: one changing task per zone, in the order of acceptance; and so many tasks per class
// of work (amqp-head-node.md 8 and 19.4). A general queue library knows one of them, hence our own.
import { availableParallelism } from "node:os";

export type WorkClass =
  "machine_creation" | "machine_tasks" | "machine_query" | "image_import" | "image_query" | "server_tasks" | "test";

/** The predecessors' numbers: so many per CPU, within bounds (amqp-head-node.md 8). */
export function classLimits(cpus = availableParallelism()): Readonly<Record<WorkClass, number>> {
  const clamp = (low: number, high: number): number => Math.min(high, Math.max(low, cpus));
  return {
    machine_creation: clamp(4, 8),
    machine_tasks: clamp(4, 8),
    machine_query: clamp(16, 32),
    image_import: 1,
    image_query: clamp(16, 64),
    server_tasks: 1,
    test: 3,
  };
}

export interface Job {
  readonly id: string;
  readonly class: WorkClass;
  /** Zone whose lane it waits in; undefined for a task that changes no zone: it passes. */
  readonly lane: string | undefined;
  /** Does not wait for the lane (kill). */
  readonly jumps: boolean;
  /** Must not reject. */
  run(): Promise<void>;
}

export interface Lanes {
  add(job: Job): void;
  /** Takes a waiting job out; false when it runs or is unknown. */
  remove(id: string): boolean;
  /** Jobs that stand before it; undefined when it does not wait. */
  position(id: string): number | undefined;
  readonly waiting: number;
  readonly running: number;
  /** Starts nothing more. */
  close(): void;
  readonly isClosed: boolean;
}

/** `onIdle` is called whenever nothing runs any more and nothing will be started of what waits. */
export function createLanes(limits: Readonly<Record<WorkClass, number>>, onIdle: () => void): Lanes {
  const waiting: Job[] = [];
  const running = new Set<Job>();
  let closed = false;

  function startable(): Job | undefined {
    const busy = new Set([...running].flatMap(({ lane, jumps }) => (lane === undefined || jumps ? [] : [lane])));
    const counts = new Map<WorkClass, number>();
    for (const job of running) counts.set(job.class, (counts.get(job.class) ?? 0) + 1);
    for (const job of waiting) {
      const free = (counts.get(job.class) ?? 0) < limits[job.class];
      const laneFree = job.lane === undefined || job.jumps || !busy.has(job.lane);
      if (free && laneFree) return job;
      // Whoever waits, waits before those behind it in its lane.
      if (job.lane !== undefined && !job.jumps) busy.add(job.lane);
    }
    return undefined;
  }

  function pump(): void {
    for (let job = closed ? undefined : startable(); job; job = startable()) {
      const started = job;
      waiting.splice(waiting.indexOf(started), 1);
      running.add(started);
      void started.run().finally(() => {
        running.delete(started);
        pump();
      });
    }
    if (running.size === 0 && (closed || waiting.length === 0)) onIdle();
  }

  return {
    add(job) {
      waiting.push(job);
      pump();
    },
    remove(id) {
      const index = waiting.findIndex((job) => job.id === id);
      if (index < 0) return false;
      waiting.splice(index, 1);
      pump();
      return true;
    },
    position(id) {
      const index = waiting.findIndex((job) => job.id === id);
      return index < 0 ? undefined : index;
    },
    get waiting() {
      return waiting.length;
    },
    get running() {
      return running.size;
    },
    get isClosed() {
      return closed;
    },
    close() {
      closed = true;
      pump();
    },
  };
}
