import { join } from "node:path";
import type { HostPaths } from "../host/paths.ts";
import { acquireLock } from "../util/lock.ts";
import type { ContainerName, ZoneUuid } from "../util/ids.ts";

/** Held while a command decides about or changes the container of that name. Never held while merely watching. */
export function nameLockPath(paths: HostPaths, name: ContainerName): string {
  return join(paths.locks, `name-${name}`);
}

/** Held by the command that shows a container's output in the foreground: tells a live watcher from a killed one. */
export function attachLockPath(paths: HostPaths, zone: ZoneUuid): string {
  return join(paths.locks, `attach-${zone}`);
}

/** Does a living command show the container's output in the foreground? */
export async function isWatched(paths: HostPaths, zone: ZoneUuid): Promise<boolean> {
  const lock = await acquireLock(attachLockPath(paths, zone), { timeoutMs: 0 });
  lock?.release();
  return lock === undefined;
}
