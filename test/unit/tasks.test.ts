// Tasks: accepted once, done once, told once, whatever dies in between.
import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { createJournal } from "../../agent/tasks/journal.ts";
import { createLanes, classLimits, type Job } from "../../agent/tasks/lanes.ts";
import { taskRecordSchema, type TaskRecord } from "../../agent/tasks/record.ts";
import type { Registry } from "../../agent/tasks/request.ts";
import { createSealing } from "../../agent/tasks/sealing.ts";
import { createTaskService, type TaskService } from "../../agent/tasks/service.ts";
import { machineStateTasks } from "../../agent/tasks/handlers/machine-state.ts";
import { defineTask, type Observation, type Task, type TaskContext } from "../../agent/tasks/task.ts";
import { createMemoryVmadm, type MemoryVmadm } from "../../agent/vmadm/memory.ts";
import { zoneUuid, type VmObject } from "../../agent/vmadm/schema.ts";
import { aVm, UUID } from "../support/builders.ts";
import { aLife, emptyDisk, manualClock, type Life, type ManualClock, type TaskDisk } from "../support/memory-tasks.ts";

const log = pino({ level: "silent" });
const sealing = createSealing(new Uint8Array(32).fill(7));
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const recordsOf = (disk: TaskDisk): TaskRecord[] =>
  [...disk.open.values(), ...disk.ended.values()].map((text) => taskRecordSchema.parse(JSON.parse(text)));
const recordOf = (disk: TaskDisk, n: number): TaskRecord => recordsOf(disk).find(({ taskId }) => taskId === id(n))!;
const terminals = (record: TaskRecord): number => record.outbox.filter(({ name }) => name === "finish").length;

interface Setup {
  readonly disk: TaskDisk;
  readonly clock: ManualClock;
  readonly life: Life;
  readonly service: TaskService;
}

function setup(
  tasks: readonly Task[],
  options: { disk?: TaskDisk; clock?: ManualClock; life?: Life; maxOpen?: number } = {},
): Setup {
  const disk = options.disk ?? emptyDisk();
  const clock = options.clock ?? manualClock();
  const life = options.life ?? aLife(disk);
  const registry: Registry = new Map(tasks.map((task) => [task.name, task]));
  const service = createTaskService({
    journal: createJournal(life.files, log),
    registry,
    sealing,
    clock,
    log,
    limits: classLimits(4),
    lock: () => Promise.resolve({ release: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() }),
    ...(options.maxOpen === undefined ? {} : { maxOpen: options.maxOpen }),
  });
  return { disk, clock, life, service };
}

const untilDrained = { signal: new AbortController().signal, untilDrained: true } as const;

interface Probe {
  readonly name?: string;
  readonly run?: (context: TaskContext) => Promise<unknown>;
  readonly observe?: (context: TaskContext) => Promise<Observation<unknown>>;
}

const probe = ({ name = "probe", run = () => Promise.resolve({}), observe }: Probe = {}): Task =>
  defineTask({
    name,
    summary: "",
    class: "machine_tasks",
    deadlineS: 100,
    mutates: true,
    secret: ["secret"],
    zone: ({ uuid }) => uuid,
    input: z.object({ uuid: zoneUuid.optional(), secret: z.unknown().optional() }),
    output: z.unknown(),
    run: (_input, context) => run(context),
    observe: (_input, context) => observe?.(context) ?? Promise.resolve({ found: "undone" }),
  });

describe("accepting", () => {
  test("a repeat is the same task, another request under its id is refused", async () => {
    const { service, disk } = setup([probe()]);
    const request = { taskId: id(1), task: "probe", params: { secret: "a", uuid: UUID } };
    expect(await service.submit(request)).toMatchObject({ state: "accepted", repeated: false });
    expect(await service.submit({ ...request, params: { uuid: UUID, secret: "a" } })).toMatchObject({
      state: "accepted",
      repeated: true,
    });
    expect(await service.submit({ ...request, params: { secret: "b" } })).toMatchObject({
      state: "rejected",
      error: { code: "TASK_EXISTS" },
    });
    await service.work(untilDrained);
    expect(await service.submit(request)).toMatchObject({ state: "finished", record: { terminal: { status: "ok" } } });
    expect(recordsOf(disk)).toHaveLength(1);
  });

  test.each([
    [{ task: "prob" }, "TASK_UNKNOWN"],
    [{ task: "probe", params: { uuid: "web" } }, "TASK_INVALID"],
    [{ task: "probe", taskId: "../../etc/passwd" }, "TASK_INVALID"],
  ])("%j is refused, and nothing is written", async (request, code) => {
    const { service, disk } = setup([probe()]);
    expect(await service.submit({ taskId: id(1), ...request })).toMatchObject({ state: "rejected", error: { code } });
    expect(recordsOf(disk)).toEqual([]);
  });

  test("more than the node takes is refused with a class that says: later", async () => {
    const { service } = setup([probe()], { maxOpen: 2 });
    for (const n of [1, 2])
      expect(await service.submit({ taskId: id(n), task: "probe" })).toMatchObject({ state: "accepted" });
    expect(await service.submit({ taskId: id(3), task: "probe" })).toMatchObject({
      error: { code: "TASKS_FULL", class: "ResourceExhausted" },
    });
  });

  test("secrets stand nowhere in clear", async () => {
    const run = (): Promise<never> => Promise.reject(new AgentError("PAYLOAD_INVALID", "bad value hunter22 in env"));
    const { service, disk } = setup([probe({ run })]);
    await service.submit({ taskId: id(1), task: "probe", params: { secret: { env: ["PASSWORD=hunter22"] } } });
    expect([...disk.open.values()].join("")).not.toContain("hunter22");
    await service.work(untilDrained);
    expect(recordOf(disk, 1).terminal).toMatchObject({
      status: "failed",
      error: { message: "bad value (secret) in env" },
    });
    expect([...disk.ended.values()].join("")).not.toContain("hunter22");
  });
});

describe("running", () => {
  test("progress only grows, steps are told, keep-alives come every 15 s, and there is one end", async () => {
    const run = async (context: TaskContext): Promise<unknown> => {
      await context.step("one", 60, () => context.sleep(40_000));
      context.progress(20);
      return { done: true };
    };
    const { service, disk, clock } = setup([probe({ run })]);
    await service.submit({ taskId: id(1), task: "probe" });
    const work = service.work(untilDrained);
    await clock.advance(16_000);
    expect(recordOf(disk, 1).outbox.at(-1)).toMatchObject({
      name: "progress",
      body: { progress: 0, elapsedS: 15, step: "one" },
    });
    await clock.advance(25_000);
    await work;
    const { outbox, progress, terminal } = recordOf(disk, 1);
    expect(outbox.map(({ name }) => name)).toEqual(["accepted", "start", "start:one", "end:one", "progress", "finish"]);
    expect(outbox.map(({ seq }) => seq)).toEqual(outbox.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect({ progress, terminal }).toMatchObject({ progress: 100, terminal: { status: "ok", result: { done: true } } });
  });

  test.each([
    ["a deadline that passed", "undone", "failed", "DEADLINE"],
    ["a deadline that passed when the work was done", "done", "ok", undefined],
  ] as const)("%s", async (_name, found, status, code) => {
    const observe = (): Promise<Observation<unknown>> =>
      Promise.resolve(found === "done" ? { found, result: 1 } : { found });
    const { service, disk, clock } = setup([probe({ run: (context) => context.sleep(1e9), observe })]);
    await service.submit({ taskId: id(1), task: "probe", deadlineS: 5 });
    const work = service.work(untilDrained);
    await clock.advance(5_001);
    await work;
    expect(recordOf(disk, 1).terminal).toMatchObject({ status, ...(code === undefined ? {} : { error: { code } }) });
  });

  test("cancel ends one that waits at once and one that runs soon; notAfter ends one that waits, whatever the clock says", async () => {
    const { service, disk, clock } = setup([probe({ run: (context) => context.sleep(60_000) })]);
    const params = { uuid: UUID };
    await service.submit({ taskId: id(1), task: "probe", params });
    await service.submit({ taskId: id(2), task: "probe", params });
    await service.submit({ taskId: id(3), task: "probe", params, notAfter: clock.wallMs() + 10_000 });
    const work = service.work(untilDrained);
    await clock.advance(0);
    expect(await service.cancel(id(2))).toMatch(/cancel/);
    clock.setWall(0);
    await clock.advance(11_000);
    expect(recordOf(disk, 2).terminal).toMatchObject({ status: "cancelled" });
    expect(recordOf(disk, 3).terminal).toMatchObject({ status: "expired", error: { code: "TASK_EXPIRED" } });
    expect(await service.cancel(id(1))).toBe("cancelling");
    await clock.advance(2_000);
    await work;
    expect(recordOf(disk, 1).terminal).toMatchObject({ status: "cancelled" });
    expect(await service.cancel(id(1))).toBe("finished");
  });
});

describe("after a death", () => {
  test.each([
    ["done", 1, "ok"],
    ["undone", 2, "ok"],
    ["unclear", 1, "interrupted"],
  ] as const)("what is found %s", async (found, attempts, status) => {
    const disk = emptyDisk();
    const clock = manualClock();
    const observe = (): Promise<Observation<unknown>> =>
      Promise.resolve(found === "unclear" ? { found, what: "?" } : found === "done" ? { found, result: 1 } : { found });
    const first = setup([probe({ run: () => new Promise(() => undefined), observe })], { disk, clock });
    await first.service.submit({ taskId: id(1), task: "probe" });
    void first.service.work(untilDrained);
    await clock.advance(0);
    expect(recordOf(disk, 1)).toMatchObject({ state: "running", attempt: 1 });
    first.life.die();
    await setup([probe({ observe })], { disk, clock }).service.work(untilDrained);
    expect(recordOf(disk, 1)).toMatchObject({ attempt: attempts, terminal: { status } });
  });

  test("a task that took two processes with it is not tried a third time", async () => {
    const disk = emptyDisk();
    const clock = manualClock();
    let runs = 0;
    for (let i = 0; i < 2; i++) {
      const run = (): Promise<unknown> => {
        runs++;
        return new Promise(() => undefined);
      };
      const { service, life } = setup([probe({ run })], { disk, clock });
      await service.submit({ taskId: id(1), task: "probe" });
      void service.work(untilDrained);
      await clock.advance(0);
      life.die();
    }
    await setup([probe()], { disk, clock }).service.work(untilDrained);
    expect(runs).toBe(2);
    expect(recordOf(disk, 1).terminal).toMatchObject({ status: "interrupted", error: { code: "TASK_INTERRUPTED" } });
  });

  test("a newer zonelet's task: nothing is touched", async () => {
    const disk = emptyDisk();
    disk.open.set(id(1), JSON.stringify({ version: 2 }));
    const { service } = setup([probe()], { disk });
    await expect(service.work(untilDrained)).rejects.toMatchObject({ code: "JOURNAL_NEWER" });
    expect(disk.open.get(id(1))).toBe('{"version":2}');
  });
});

describe("lanes", () => {
  test("one change per zone in order; reads pass, kills jump, classes are bounded", async () => {
    const started: string[] = [];
    const ends = new Map<string, () => void>();
    const lanes = createLanes(classLimits(4), () => undefined);
    const add = (name: string, rest: Partial<Job>): void =>
      lanes.add({
        id: name,
        class: "machine_tasks",
        lane: "z",
        jumps: false,
        run: () => {
          started.push(name);
          return new Promise((resolve) => ends.set(name, () => resolve()));
        },
        ...rest,
      });
    add("boot", {});
    add("stop", {});
    add("load", { class: "machine_query", lane: undefined });
    add("kill", { jumps: true });
    add("other", { lane: "y" });
    add("pull", { class: "image_import", lane: undefined });
    add("pull2", { class: "image_import", lane: undefined });
    expect(started).toEqual(["boot", "load", "kill", "other", "pull"]);
    expect(lanes.position("pull2")).toBe(1);
    ends.get("boot")?.();
    await expect.poll(() => started.at(-1)).toBe("stop");
    expect(started).not.toContain("pull2");
  });
});

/** Dead processes reach the platform no more; what they had begun is done. */
function mortal(vmadm: MemoryVmadm, life: Life): MemoryVmadm {
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    if (life.isDead()) return new Promise(() => undefined);
    const result = await work();
    return life.isDead() ? new Promise(() => undefined) : result;
  };
  return {
    ...vmadm,
    get: (zone, o) => guard(() => vmadm.get(zone, o)),
    start: (zone, o) => guard(() => vmadm.start(zone, o)),
    stop: (zone, o) => guard(() => vmadm.stop(zone, o)),
    reboot: (zone, o) => guard(() => vmadm.reboot(zone, o)),
    kill: (zone, name, o) => guard(() => vmadm.kill(zone, name, o)),
    delete: (zone, o) => guard(() => vmadm.delete(zone, o)),
  };
}

test("any accepts, repeats and deaths at any write: each task ends once, its effect comes at most once, zones keep their order", async () => {
  const zones = [UUID, UUID.replace("7b", "8b")];
  const step = fc.oneof(
    fc.record({
      do: fc.constant("ask" as const),
      task: fc.constantFrom("effect", "machine_reboot", "machine_kill"),
      zone: fc.nat(1),
    }),
    fc.record({ do: fc.constant("again" as const), which: fc.nat(5) }),
  );
  const lives = fc.array(
    fc.record({
      steps: fc.array(step, { maxLength: 4 }),
      dieAt: fc.integer({ min: 1, max: 14 }),
      applied: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(lives, async (plan) => {
      const disk = emptyDisk();
      const clock = manualClock();
      const vmadm = createMemoryVmadm({ images: [], now: () => new Date(clock.wallMs()) });
      for (const uuid of zones)
        vmadm.put(aVm({ uuid, alias: `z${zones.indexOf(uuid)}`, state: "running", zone_state: "running", pid: 7 }));
      const effects: string[] = [];
      const order: string[] = [];
      const asked: { taskId: string; task: string; params: { uuid: string } }[] = [];
      const acknowledged = new Set<string>();
      const live = async (
        dieAt: number,
        applied: boolean,
        steps: readonly (typeof plan)[number]["steps"][number][],
      ): Promise<void> => {
        const life = aLife(disk, dieAt, applied);
        const mine = mortal(vmadm, life);
        // Something whose traces can be read: the effect is a fact of the platform, found by its id.
        const effect = probe({
          name: "effect",
          run: (context) => {
            if (life.isDead()) return new Promise(() => undefined);
            order.push(context.taskId);
            return context.step("act", 50, () => {
              if (life.isDead()) return new Promise(() => undefined);
              effects.push(context.taskId);
              return Promise.resolve();
            });
          },
          observe: ({ taskId }) =>
            Promise.resolve(effects.includes(taskId) ? { found: "done", result: {} } : { found: "undone" }),
        });
        const containers = {
          restart: async (zone: VmObject["uuid"]) => {
            await mine.reboot(zone);
            order.push(`reboot ${zone}`);
          },
          kill: (zone: VmObject["uuid"], name: string) => mine.kill(zone, name),
        };
        // Only what these two tasks use; everything else would be a mistake of the test.
        const services = { vmadm: mine, over: () => ({ containers, snapshots: {} }) };
        const real = machineStateTasks(services as never).filter(({ name }) => /reboot|kill/.test(name));
        const { service } = setup([effect, ...real], { disk, clock, life });
        const run = async (): Promise<void> => {
          for (const one of steps) {
            const request =
              one.do === "ask"
                ? { taskId: id(asked.length), task: one.task, params: { uuid: zones[one.zone]! } }
                : asked[one.which % Math.max(1, asked.length)];
            if (!request) continue;
            if (one.do === "ask") asked.push(request);
            const receipt = await service.submit(request);
            expect(receipt.state).not.toBe("rejected");
            acknowledged.add(request.taskId);
          }
          await service.work(untilDrained);
        };
        await Promise.race([run(), life.died]);
        await clock.advance(0);
        life.die();
      };
      for (const { dieAt, applied, steps } of plan) await live(dieAt, applied, steps);
      await live(Infinity, true, []);

      for (const taskId of acknowledged) expect(recordsOf(disk).some((record) => record.taskId === taskId)).toBe(true);
      for (const record of recordsOf(disk)) {
        expect(record.state).toBe("finished");
        expect(terminals(record)).toBe(1);
      }
      expect(disk.open.size).toBe(0);
      expect(new Set(effects).size).toBe(effects.length);
      for (const zone of zones) {
        const inLane = recordsOf(disk).filter(({ task, vm }) => task === "effect" && vm === zone);
        const byOrder = disk.accepted.filter((taskId) => inLane.some((record) => record.taskId === taskId));
        const ran = effects.filter((taskId) => byOrder.includes(taskId));
        expect(ran).toEqual(byOrder.filter((taskId) => ran.includes(taskId)));
      }
    }),
    { numRuns: 150 },
  );
});
