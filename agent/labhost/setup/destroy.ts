// `zonelet-lab destroy`: the end of a lab host and everything in it.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { LabError, openLab, type Lab } from "../lab.ts";
import { mountsWithin, unmount } from "../mounts.ts";
import { haltZone } from "../runtime.ts";
import { removeLabCgroups } from "../runtime/cgroups.ts";
import { endKeeper } from "../runtime/keeper.ts";
import { removeLeftovers } from "../runtime/leftovers.ts";
import { cancelRestart, waitingRestarts } from "../runtime/restart-policy.ts";
import { recordedZones } from "../runtime/zone-state.ts";

export async function destroy(args: readonly string[]): Promise<number> {
  const lab = openLab();
  const unknown = args.find((arg) => arg !== "--yes");
  if (unknown !== undefined) throw new LabError(`destroy: unknown argument "${unknown}"`);
  if (!args.includes("--yes") && !(await confirmed(lab))) throw new LabError("nothing was removed");
  await destroyLab(lab);
  process.stdout.write(`removed ${lab.root}\n`);
  return 0;
}

/** Repeating it after a failure goes on where it stopped. */
export async function destroyLab(lab: Lab): Promise<void> {
  // Before the zones: a restart that is due must not boot what we halt.
  for (const uuid of waitingRestarts(lab)) cancelRestart(lab, uuid);
  for (const uuid of recordedZones(lab)) {
    await haltZone(lab, uuid);
    cancelRestart(lab, uuid);
    await removeLeftovers(lab, uuid);
  }
  endKeeper(lab);
  for (const path of mountsWithin(lab.root).reverse()) if (path !== lab.root) await unmount(path);
  removeLabCgroups(lab);
  removeRoot(lab.root);
}

/** Of a root that is a mount point, the directory stays. */
function removeRoot(root: string): void {
  const options = { recursive: true, force: true, maxRetries: 3 } as const;
  if (!mountsWithin(root).includes(root)) rmSync(root, options);
  else for (const name of readdirSync(root)) rmSync(join(root, name), options);
}

async function confirmed(lab: Lab): Promise<boolean> {
  if (!process.stdin.isTTY) throw new LabError(`destroy removes ${lab.root} with all zones and images: say --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await terminal.question(`Remove ${lab.root} with all its zones and images? [y/N] `)).toLowerCase() === "y";
  } finally {
    terminal.close();
  }
}
