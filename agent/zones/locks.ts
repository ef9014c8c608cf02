import { join } from "node:path";
import type { HostPaths } from "../host/paths.ts";
import type { ContainerName, ZoneUuid } from "../util/ids.ts";

/** Held while a command decides about or changes the container of that name. Never held while merely watching. */
export function nameLockPath(paths: HostPaths, name: ContainerName): string {
  return join(paths.locks, `name-${name}`);
}

/** Held by the command that shows a container's output in the foreground: tells a live watcher from a killed one. */
export function attachLockPath(paths: HostPaths, zone: ZoneUuid): string {
  return join(paths.locks, `attach-${zone}`);
}
