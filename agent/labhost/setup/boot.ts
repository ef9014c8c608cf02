// `zonelet-lab boot`: what the boot of a compute node does after the machine was off.
import { datasetStore } from "../datasets.ts";
import { openLab } from "../lab.ts";
import { bootZone, zoneRuntime } from "../runtime.ts";
import { listZoneUuids, loadVm } from "../zone-store.ts";

/** Zones that run already are left alone. One that does not boot is told and does not stop the others. */
export async function boot(): Promise<number> {
  const lab = openLab();
  await datasetStore(lab).mountAll();
  let failed = 0;
  for (const uuid of listZoneUuids(lab)) {
    if (loadVm(lab, uuid)?.["autoboot"] !== true || zoneRuntime(lab, uuid).zoneState !== "installed") continue;
    try {
      await bootZone(lab, uuid);
      process.stdout.write(`booted ${uuid}\n`);
    } catch (error) {
      failed++;
      process.stderr.write(`zonelet-lab: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return failed === 0 ? 0 : 1;
}
