// reboot (vmadm.md 3.8).
import { VmError } from "../../vm/vm-error.ts";
import { brandFeatures } from "../../vm/properties.ts";
import type { LabVm } from "../../lab-vm.ts";
import { hit, lookAt, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";
import { runInZone } from "./run-in-zone.ts";
import { startZone } from "./start.ts";
import { stopRunning } from "./stop.ts";
import { waitUntil } from "./waiting.ts";

const REBOOT_MS = 180_000;

export async function reboot(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, { force: { kind: "flag", short: "F" } });
  const uuid = uuidArgument(words, "reboot");
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError("bad statusCode: 404");
  const state = String(vm["state"]);
  if (options["force"] === true) {
    if (state !== "running") throw new VmError(`Cannot reset vm from state "${state}", must be "running".`);
    await resetZone(host, vm);
  } else {
    const startable = vm["docker"] === true && state === "stopped";
    if (state !== "running" && !startable)
      throw new VmError(`Cannot reboot vm from state "${state}", must be "running"`);
    if (vm["docker"] === true) await restartContainer(host, vm, state);
    else await rebootFromWithin(host, vm);
  }
  return { stderr: `Successfully completed reboot for VM ${uuid}` };
}

async function restartContainer(host: VmHost, vm: LabVm, state: string): Promise<void> {
  if (state === "running") await stopRunning(host, vm, 0);
  await hit(host, "reboot.stopped");
  await startZone(host, vm);
}

/**
 * `zoneadm reboot -X`. The runtime knows boot and halt only, so a halt's exit record shows for the moment between them,
 * which on the platform it does not.
 */
async function resetZone(host: VmHost, vm: LabVm): Promise<void> {
  await host.zones.halt(host.lab, vm.uuid);
  await hit(host, "reboot.stopped");
  await host.zones.boot(host.lab, vm.uuid);
}

async function rebootFromWithin(host: VmHost, vm: LabVm): Promise<void> {
  const before = host.zones.read(host.lab, vm.uuid).zoneid;
  await runInZone(host.lab, vm.uuid, brandFeatures(String(vm["brand"]))?.rebootCommand ?? []);
  const rebooted = (): boolean => {
    const now = host.zones.read(host.lab, vm.uuid);
    return now.zoneState === "running" && now.zoneid !== before;
  };
  if (!(await waitUntil(rebooted, REBOOT_MS))) throw new VmError("timed out waiting for zone to reboot");
}
