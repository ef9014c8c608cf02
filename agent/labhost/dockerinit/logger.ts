// The logger of network log drivers (dockerinit.md 4.8, 8.1). The lab has no dockerlogger, as a SmartOS host without Triton
// has none: dockerinit starts a child for it, the child cannot execute it and kills init.
import type { Metadata } from "./metadata.ts";
import { readKey, type LogLine } from "./process-plan.ts";

const LOGGER = "/native/lib/sdc/docker/logger";

const ENVIRONMENT: readonly (readonly [key: string, variable: string])[] = [
  ["docker:logconfig", "DOCKERLOG_CONFIG"],
  ["docker:id", "DOCKERLOG_CONTAINERID"],
  ["sdc:alias", "DOCKERLOG_CONTAINERNAME"],
  ["sdc:create_timestamp", "DOCKERLOG_CREATETIME"],
  ["docker:imageid", "DOCKERLOG_IMAGEID"],
  ["docker:imagename", "DOCKERLOG_IMAGENAME"],
  ["docker:entrypoint", "DOCKERLOG_ENTRYPOINT"],
  ["docker:cmd", "DOCKERLOG_CMD"],
];

/** True: init is to be killed as soon as it runs. */
export function startLogger(metadata: Metadata, driver: string, log: LogLine): boolean {
  if (driver === "json-file" || driver === "none") return false;
  log("INFO gathering logger environment");
  const environment = ENVIRONMENT.flatMap(([key, variable]) => {
    const value = readKey(metadata, key, log);
    return value === undefined ? [] : [`${variable}=${value}`];
  });
  log(`INFO creating logger child for ${driver}`);
  log(`INFO started logger[${process.pid}] (${driver})`);
  log(`LOGGER CMD '${LOGGER}'`);
  for (const [index, argument] of ["logger", driver].entries()) log(`LOGGER ARG[${index}] ${argument}`);
  for (const [index, entry] of environment.entries()) log(`LOGGER ENV[${index}] ${entry}`);
  log(`LOGGER ERROR execve(${LOGGER}) failed: No such file or directory`);
  log("LOGGER ERROR killing init[1]");
  return true;
}
