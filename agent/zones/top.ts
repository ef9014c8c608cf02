import { AgentError } from "../errors/agent-error.ts";
import { CommandError } from "../exec/errors.ts";
import type { Host } from "../host/host.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { lastWords, NATIVE, runInZone, runningName } from "./zone-tools.ts";

/** sdc-docker's fixed columns: UID PID PPID C STIME TTY TIME CMD (sdc-docker.md 25). */
const DEFAULT = ["-ef"];

/** The container's processes as the platform's ps(1) prints them, in the zone's own pids. `options` are ps's. */
export async function listProcesses(
  host: Host,
  vm: VmObject,
  options: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const name = runningName(vm);
  try {
    return await runInZone(host, vm, [NATIVE.ps, ...(options.length === 0 ? DEFAULT : options)], { signal });
  } catch (error) {
    if (!(error instanceof CommandError) || error.failure !== "exit") throw error;
    throw new AgentError("EXEC_FAILED", `processes of "${name}": ps says: ${lastWords(error) || "nothing"}`, {
      hint: "ps is the platform's own, not Linux's: see ps(1) there for its options",
    });
  }
}
