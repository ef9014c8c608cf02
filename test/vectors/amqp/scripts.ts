// Events of a task, as a runner would report them with the platform answering as recorded.
import { z } from "zod";
import type { CatalogueTask } from "../../../agent/amqp/catalogue/catalogue.ts";
import { isSettled } from "../../../agent/amqp/catalogue/settled.ts";
import type { TaskError, TaskEvent } from "../../../agent/amqp/task-event.ts";
import { failure } from "./control.ts";
import { codeOf } from "./play.ts";

const result = z.object({ error: z.string(), result: z.unknown() }).partial();
const command = z.object({
  argv_starts_with: z.string().optional(),
  argv_ends_with: z.string().optional(),
  exit: z.number(),
  stdout: z.string().default(""),
  stderr: z.string().default(""),
});
const worldSchema = z.looseObject({
  vm_library_results: z.record(z.string(), result),
  command_results: z.array(command).default([]),
});
type World = z.output<typeof worldSchema>;

const CALLS: Readonly<Record<string, string>> = {
  machine_boot: "start",
  machine_shutdown: "stop",
  machine_reboot: "reboot",
  machine_destroy: "delete",
  machine_update: "update",
  machine_load: "load",
  machine_delete_snapshot: "delete_snapshot",
};

export function scriptOf(task: CatalogueTask, given: unknown): readonly TaskEvent[] {
  const world = worldSchema.parse(given);
  if (task.task === "machine_create") return [{ kind: "start" }, ...createScript(task.zone ?? "", world)];
  if (task.task === "nop")
    return [
      { kind: "start" },
      task.params.error === undefined ? done({}) : failed(failure("INTERNAL", task.params.error)),
    ];
  const call = CALLS[task.task];
  if (call === undefined) throw new Error(`no script for ${task.task}`);
  const said = world.vm_library_results[call];
  if (said?.error !== undefined && !isSettled(task, codeOf(said.error)))
    return [{ kind: "start" }, failed(failure(codeOf(said.error), call, { platform: said.error }))];
  return [
    { kind: "start" },
    ...(task.task === "machine_update" ? rebootSteps(task.params, world) : []),
    done(said?.result ?? {}),
  ];
}

/** A change of nics takes a reboot where the zone runs. */
function rebootSteps(params: object, { vm_library_results }: World): TaskEvent[] {
  if (!("add_nics" in params) && !("remove_nics" in params)) return [];
  const running = z.looseObject({ state: z.literal("running") }).safeParse(vm_library_results["load"]?.result).success;
  const updated: TaskEvent = { kind: "progress", percent: 50 };
  return running ? [updated, { kind: "progress", percent: 75 }] : [updated];
}

function createScript(zone: string, { command_results, vm_library_results }: World): TaskEvent[] {
  const events: TaskEvent[] = [];
  const step = (name: string): void => {
    events.push({ kind: "step-start", step: name, description: name }, { kind: "step-end", step: name });
  };
  const answer = (line: string) =>
    command_results.find(({ argv_starts_with: start, argv_ends_with: end }) =>
      start === undefined ? line.endsWith(end ?? "\0") : line.startsWith(start),
    );
  const image = command_results.findLast(({ argv_ends_with: end }) => end !== undefined && !end.endsWith(zone) && !end.endsWith("-partial")); // prettier-ignore

  step("pre_check");
  if (answer("/usr/sbin/zoneadm list")?.stdout.includes(zone) === true)
    return [...events, failed(failure("ZONE_EXISTS", "create zone", { zone }))];
  if (answer(`zones/${zone}`)?.exit === 0)
    return [...events, failed(failure("ZONE_EXISTS", `Dataset zones/${zone} exists.`))];
  step("ensure_dataset_present");
  if (image?.exit !== 0) {
    step("fetch_dataset");
    const fetched = answer("/usr/sbin/imgadm import");
    if (fetched !== undefined && fetched.exit !== 0)
      return [...events, failed(failure("IMAGE_NOT_FOUND", fetched.stderr.trim()))];
  }
  step("create_machine");
  const { create, load } = vm_library_results;
  if (create?.error === undefined) return [...events, done({ vm: load?.result })];
  const error = failure("HOST_COMMAND_FAILED", "create zone", { platform: create.error });
  return [...events, failed(error, load?.result === undefined ? undefined : { vm: load.result })];
}

function done(value: unknown): TaskEvent {
  return { kind: "finish", status: "ok", result: value };
}

function failed(error: TaskError, value?: unknown): TaskEvent {
  return { kind: "finish", status: "failed", error, ...(value === undefined ? {} : { result: value }) };
}
