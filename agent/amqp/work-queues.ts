// Which task may start when: classes with limits as the predecessors had them (amqp-head-node.md 8), which here are lanes
// inside the agent and not queues of the broker, because order must see all tasks of a zone together (19.2). Pure: the
// runner asks again whenever a task arrives or ends.

/** At least a, at most b, else as many as there are CPUs. */
function clamp(a: number, b: number): (cpus: number) => number {
  return (cpus) => Math.min(b, Math.max(a, cpus));
}

const fixed = (limit: number) => (): number => limit;

/** How many tasks of a class run at once. */
export const WORK_CLASSES = {
  machine_creation: clamp(4, 8),
  image_import_tasks: fixed(1),
  server_tasks: fixed(1),
  machine_tasks: clamp(4, 8),
  machine_images: clamp(4, 16),
  image_query: clamp(16, 64),
  machine_query: clamp(16, 32),
  zfs_query: clamp(4, 8),
  /** Enforced by nobody before; each holds a stream and a process. */
  docker_tasks: fixed(64),
  nop: fixed(1),
  test_subtask: fixed(3),
} as const satisfies Readonly<Record<string, (cpus: number) => number>>;

export type WorkClass = keyof typeof WORK_CLASSES;

export function classLimit(name: WorkClass, cpus: number): number {
  return WORK_CLASSES[name](cpus);
}

export interface LaneTask {
  readonly id: string;
  readonly class: WorkClass;
  readonly effect: "changes" | "reads" | "jumps";
  readonly zone: string | undefined;
}

export interface Limits {
  readonly cpus: number;
  /** Over all classes; jumps do not count, so that a node full of work can still be told to stop some of it. */
  readonly total: number;
}

/**
 * The waiting tasks that may start now, in the order they came. A task that changes a zone starts when no other does so
 * and none that came before it waits; reads pass; a jump waits for nothing but an earlier jump of the same zone that
 * still waits, which cannot be. A task whose class is full holds back those behind it in its zone only.
 */
export function startable<T extends LaneTask>(waiting: Iterable<T>, running: Iterable<LaneTask>, limits: Limits): T[] {
  const busyZones = new Set<string>();
  const inClass = new Map<WorkClass, number>();
  let total = 0;
  const count = (task: LaneTask): void => {
    if (task.effect === "jumps") return;
    inClass.set(task.class, (inClass.get(task.class) ?? 0) + 1);
    total++;
  };
  for (const task of running) {
    count(task);
    if (task.effect === "changes" && task.zone !== undefined) busyZones.add(task.zone);
  }
  const starting: T[] = [];
  for (const task of waiting) {
    if (task.effect === "jumps") {
      starting.push(task);
      continue;
    }
    const lane = task.effect === "changes" ? task.zone : undefined;
    const room = total < limits.total && (inClass.get(task.class) ?? 0) < classLimit(task.class, limits.cpus);
    const free = lane === undefined || !busyZones.has(lane);
    // Whether it starts or waits, the zone is taken for those behind it.
    if (lane !== undefined) busyZones.add(lane);
    if (!room || !free) continue;
    count(task);
    starting.push(task);
  }
  return starting;
}
