// Every task this node offers.
import type { Registry } from "./request.ts";
import { imageTasks } from "./handlers/images.ts";
import { machineCreateTask } from "./handlers/machine-create.ts";
import { machineSnapshotTasks } from "./handlers/machine-snapshots.ts";
import { machineStateTasks } from "./handlers/machine-state.ts";
import { serverTasks } from "./handlers/server.ts";
import type { TaskServices } from "./handlers/services.ts";

export function createRegistry(services: TaskServices): Registry {
  const tasks = [
    machineCreateTask(services),
    ...machineStateTasks(services),
    ...machineSnapshotTasks(services),
    ...imageTasks(services),
    ...serverTasks(services),
  ];
  return new Map(tasks.map((task) => [task.name, task]));
}
