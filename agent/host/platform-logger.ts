// The platform's logger for network log drivers. dockerinit executes it inside the zone, where it is the global zone's
// file (dockerinit.md 8.1); without it init is killed as soon as it runs.
import { constants, accessSync, statSync } from "node:fs";
import type { HostPaths } from "./paths.ts";

/** True where containers with a network log driver can run at all. */
export function hasPlatformLogger(paths: Pick<HostPaths, "inGlobalZone">): boolean {
  const path = paths.inGlobalZone("/lib/sdc/docker/logger");
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
