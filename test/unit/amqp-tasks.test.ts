// The catalogue of tasks, and which of them may start when.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskedParams, parseTask, TASKS, taskNamed, UNSUPPORTED_TASKS } from "../../agent/amqp/catalogue/catalogue.ts";
import { isSettled } from "../../agent/amqp/catalogue/settled.ts";
import { classLimit, startable, WORK_CLASSES, type LaneTask } from "../../agent/amqp/work-queues.ts";
import { AgentError } from "../../agent/errors/agent-error.ts";

const ZONE = "9b6ea41e-1b1c-4a1d-8b0e-0f7d3d9f3a11";

function refusal(read: () => unknown): AgentError {
  try {
    read();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error("taken");
}

describe("the catalogue", () => {
  test("every row is under its own name, and none is both offered and refused", () => {
    for (const [name, row] of Object.entries(TASKS)) expect(row.name).toBe(name);
    expect(Object.keys(UNSUPPORTED_TASKS).filter((name) => name in TASKS)).toEqual([]);
    for (const row of Object.values(TASKS)) expect(Object.keys(WORK_CLASSES)).toContain(row.class);
  });

  test.each(Object.entries(UNSUPPORTED_TASKS))("%s is refused with its reason", (name, why) => {
    const error = refusal(() => taskNamed(name));
    expect(error).toMatchObject({ code: "TASK_UNSUPPORTED", class: "Unimplemented" });
    expect(error.message).toContain(why);
  });

  test("an unknown task is, too, with what was perhaps meant", () => {
    expect(refusal(() => taskNamed("machine_boto"))).toMatchObject({ code: "TASK_UNKNOWN", hint: "did you mean machine_boot?" }); // prettier-ignore
    for (const name of ["constructor", "__proto__", "toString", ""])
      expect(refusal(() => parseTask(name, {})).code).toBe("TASK_UNKNOWN");
  });

  test.each<[string, unknown, RegExp]>([
    ["machine_boot", {}, /^\$\.params\.uuid: /],
    ["machine_boot", [], /^\$\.params: /],
    ["machine_boot", { uuid: "-F" }, /\$\.params\.uuid: not a lower-case uuid/],
    ["machine_boot", { uuid: ZONE, cdrom: ["x"] }, /\$\.params\.cdrom: is for hardware VMs/],
    ["machine_shutdown", { uuid: ZONE, timeout: null }, /^Invalid type: "object" for timeout$/],
    ["machine_shutdown", { uuid: ZONE, timeout: "10s" }, /^Invalid type: "string" for timeout$/],
    ["machine_kill", { uuid: ZONE, signal: "-9" }, /not a signal/],
    ["machine_create_snapshot", { uuid: ZONE, snapshot_name: "-r" }, /not the name of a snapshot/],
    ["machine_create_snapshot", { uuid: ZONE, snapshot_name: "a/b" }, /not the name of a snapshot/],
    ["machine_create", { uuid: ZONE }, /\$\.params\.brand: /],
    ["machine_create", { containerSpec: {}, more: 1 }, /more/],
    ["machine_create", { dockerCreate: "x" }, /\$\.params\.dockerCreate: /],
    ["machine_create_image", { uuid: ZONE, imgapi_url: "file:///etc", manifest: {} }, /imgapi_url/],
    ["image_ensure_present", { image_uuid: "--help" }, /not a lower-case uuid/],
    ["image_ensure_present", {}, /neither image_uuid/],
    [
      "image_ensure_present",
      { image_uuid: ZONE, zfs_storage_pool_name: "-f" },
      /neither image_uuid|zfs_storage_pool_name/,
    ],
    ["docker_copy", { uuid: ZONE, path: "etc", mode: "read" }, /not an absolute path/],
    ["docker_copy", { uuid: ZONE, path: "/a\0b", mode: "read" }, /NUL/],
    ["docker_exec", { uuid: ZONE, command: { Cmd: [] } }, /\$\.params\.command\.Cmd: /],
    ["zfs_get_properties", { dataset: "-r" }, /not the name of a dataset/],
    ["zfs_get_properties", { dataset: "zones/../x" }, /not the name of a dataset/],
    ["zfs_get_properties", { properties: ["-H"] }, /not a property/],
    ["server_overprovision_ratio", {}, /no value given/],
    ["server_overprovision_ratio", { value: "$(id)" }, /not a ratio/],
  ])("%s with %j is refused with its place", (name, params, said) => {
    const error = refusal(() => parseTask(name, params));
    expect(error.code).toBe("TASK_PARAMS_INVALID");
    expect(error.message).toMatch(said);
  });

  test("any parameters are read or refused with a typed error, and no argument begins with a dash", () => {
    const dashed = fc.constantFrom("--help", "-", "-r", "-F");
    const params = fc.oneof(
      fc.anything(),
      fc.dictionary(
        fc.constantFrom("uuid", "snapshot_name", "dataset", "image_uuid", "zfs_storage_pool_name", "signal", "path"),
        dashed,
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(TASKS)), params, (name, value) => {
        try {
          const { params: read } = parseTask(name, value);
          for (const field of ["uuid", "snapshot_name", "dataset", "image_uuid", "zfs_storage_pool_name", "signal"])
            expect(String(Reflect.get(Object(read) as object, field))).not.toMatch(/^-/);
        } catch (error) {
          if (!(error instanceof AgentError)) throw error;
          expect(error.code).toBe("TASK_PARAMS_INVALID");
        }
      }),
    );
  });

  test("the forms of a create", () => {
    expect(parseTask("machine_create", { uuid: ZONE, brand: "lx", what: "ever" })).toEqual({
      task: "machine_create",
      params: { uuid: ZONE, brand: "lx", what: "ever" },
      zone: ZONE,
    });
    expect(parseTask("machine_create", { containerSpec: { image: "busybox" } }).zone).toBeUndefined();
    expect(parseTask("machine_create", { dockerCreate: { Image: "busybox" }, name: "a", uuid: ZONE }).zone).toBe(ZONE);
  });

  test("words of old head nodes are taken", () => {
    expect(parseTask("machine_shutdown", { uuid: ZONE, timeout: "10", force: "true" }).params).toMatchObject({ timeout: 10, force: true }); // prettier-ignore
    expect(parseTask("docker_copy", { uuid: ZONE, payload: { path: "/a", mode: "stat" } }).params).toMatchObject({ path: "/a", mode: "stat" }); // prettier-ignore
  });

  test("what may be secret is masked", () => {
    expect(maskedParams("machine_update", { uuid: ZONE, set_internal_metadata: { a: "b" } })).toEqual({ uuid: ZONE, set_internal_metadata: "<hidden>" }); // prettier-ignore
    expect(maskedParams("docker_exec", { uuid: ZONE, command: { Env: ["A=b"] } })).toEqual({ uuid: ZONE, command: "<hidden>" }); // prettier-ignore
  });

  test("what holds already ends a task well, where that was asked for", () => {
    const settled = (name: string, params: object, code: "ZONE_NOT_FOUND" | "ZONE_NOT_RUNNING" | "ZONE_STATE") =>
      isSettled(parseTask(name, { uuid: ZONE, ...params }), code);
    expect(settled("machine_destroy", {}, "ZONE_NOT_FOUND")).toBe(true);
    expect(settled("machine_boot", {}, "ZONE_STATE")).toBe(false);
    expect(settled("machine_shutdown", { idempotent: true }, "ZONE_NOT_RUNNING")).toBe(true);
    expect(settled("machine_kill", {}, "ZONE_NOT_RUNNING")).toBe(false);
    expect(settled("machine_load", {}, "ZONE_NOT_FOUND")).toBe(false);
  });
});

describe("lanes and classes", () => {
  const classes = Object.keys(WORK_CLASSES).filter((name): name is LaneTask["class"] => name in WORK_CLASSES);
  const tasks = fc.array(
    fc.record({
      class: fc.constantFrom(...classes),
      effect: fc.constantFrom("changes" as const, "reads" as const, "jumps" as const),
      zone: fc.constantFrom("a", "b", "c", undefined),
      seconds: fc.integer({ min: 1, max: 5 }),
    }),
    { maxLength: 60 },
  );

  test("limits follow the number of CPUs", () => {
    expect([1, 6, 96].map((cpus) => classLimit("machine_creation", cpus))).toEqual([4, 6, 8]);
    expect([1, 20, 96].map((cpus) => classLimit("machine_query", cpus))).toEqual([16, 20, 32]);
  });

  test("a run of any tasks: order within a zone, limits kept, nothing that could start waits, all end", () => {
    fc.assert(
      fc.property(tasks, fc.integer({ min: 1, max: 8 }), (drawn, total) => {
        const limits = { cpus: 4, total };
        let waiting = drawn.map((one, i) => ({ ...one, id: String(i), left: one.seconds }));
        let running: typeof waiting = [];
        const started: string[] = [];
        while (waiting.length + running.length > 0) {
          const starting = startable(waiting, running, limits);
          waiting = waiting.filter((one) => !starting.includes(one));
          running.push(...starting);
          started.push(...starting.map(({ id }) => id));
          expect(startable(waiting, running, limits)).toEqual([]);
          const counted = running.filter(({ effect }) => effect !== "jumps");
          expect(counted.length).toBeLessThanOrEqual(total);
          for (const name of classes)
            expect(counted.filter((one) => one.class === name).length).toBeLessThanOrEqual(classLimit(name, 4));
          for (const zone of ["a", "b", "c"])
            expect(running.filter((one) => one.zone === zone && one.effect === "changes").length).toBeLessThanOrEqual(
              1,
            );
          expect(waiting.some(({ effect }) => effect === "jumps")).toBe(false);
          expect(running.length).toBeGreaterThan(0);
          running = running.map((one) => ({ ...one, left: one.left - 1 })).filter(({ left }) => left > 0);
        }
        for (const zone of ["a", "b", "c"]) {
          const lane = started.filter(
            (id) => drawn[Number(id)]?.zone === zone && drawn[Number(id)]?.effect === "changes",
          );
          expect(lane).toEqual(lane.toSorted((a, b) => Number(a) - Number(b)));
        }
      }),
    );
  });

  test("a class that is full holds back its zone, and no other", () => {
    const task = (id: string, zone: string, name: LaneTask["class"]): LaneTask => ({
      id,
      zone,
      class: name,
      effect: "changes",
    });
    const running = [task("r", "x", "image_import_tasks")];
    const waiting = [
      task("1", "a", "image_import_tasks"),
      task("2", "a", "machine_tasks"),
      task("3", "b", "machine_tasks"),
    ];
    expect(startable(waiting, running, { cpus: 4, total: 8 }).map(({ id }) => id)).toEqual(["3"]);
  });
});
