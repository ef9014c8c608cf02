// Errors that say: what was asked for holds already.
import type { ErrorCode } from "../../errors/codes.ts";
import type { CatalogueTask } from "./catalogue.ts";

/**
 * Whether the task may end well although the platform said so. Deleting what is gone always does; the others only where
 * the caller asked for it with `idempotent`, which the predecessors promised and kept for kill alone (amqp-head-node.md
 * trap 9).
 */
export function isSettled(task: CatalogueTask, code: ErrorCode): boolean {
  switch (task.task) {
    case "machine_destroy":
      return code === "ZONE_NOT_FOUND";
    case "machine_delete_snapshot":
      return code === "SNAPSHOT_NOT_FOUND";
    case "machine_boot":
      return task.params.idempotent && code === "ZONE_STATE";
    case "machine_kill":
    case "machine_shutdown":
      return task.params.idempotent && (code === "ZONE_NOT_RUNNING" || code === "CONTAINER_NOT_RUNNING");
    default:
      return false;
  }
}
