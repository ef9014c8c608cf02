// What a supervisor that was killed could not clean up. Its network goes with the namespace, its mounts go with theirs.
import { rmSync } from "node:fs";
import type { Lab } from "../lab.ts";
import { removeZoneCgroup } from "./cgroups.ts";
import { isAlive, signalProcess } from "./process-identity.ts";
import { readRecordedState, removeState, scratchDirectory } from "./zone-state.ts";

/** Does nothing for a zone whose supervisor lives, or that left nothing. */
export async function removeLeftovers(lab: Lab, uuid: string): Promise<void> {
  const recorded = readRecordedState(lab, uuid);
  if (!recorded || isAlive(recorded.supervisor)) return;
  if (recorded.init) signalProcess(recorded.init, "SIGKILL");
  await removeZoneCgroup(lab, uuid);
  rmSync(scratchDirectory(lab, uuid), { recursive: true, force: true });
  removeState(lab, uuid);
}
