// The task service of this node, put together.
import { join } from "node:path";
import type { HostPaths } from "../host/paths.ts";
import type { Logger } from "../log/logger.ts";
import { acquireLock } from "../util/lock.ts";
import { systemClock } from "./clock.ts";
import type { TaskServices } from "./handlers/services.ts";
import { createJournal } from "./journal.ts";
import { classLimits } from "./lanes.ts";
import { createRegistry } from "./registry.ts";
import { createSealing, readTaskKey } from "./sealing.ts";
import { createTaskService, type TaskService } from "./service.ts";
import { createTaskFiles } from "./task-files.ts";

/** Makes the node's task key the first time. Raises FILE_DENIED for a key others can read. */
export async function openTasks(services: TaskServices, paths: HostPaths, log: Logger): Promise<TaskService> {
  return createTaskService({
    journal: createJournal(createTaskFiles(paths.tasks, paths.corrupt), log),
    registry: createRegistry(services),
    sealing: createSealing(await readTaskKey(paths.taskKey)),
    clock: systemClock,
    limits: classLimits(),
    log,
    lock: (options) => acquireLock(join(paths.locks, "tasks"), options),
  });
}
