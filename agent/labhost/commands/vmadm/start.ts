// start (vmadm.md 3.6), also as the second half of create, reboot and reprovision.
import type { LabVm } from "../../lab-vm.ts";
import { setInternalMetadata, setZoneProperties } from "../../zone-store.ts";
import { checkNicTags, type Nic } from "../../vm/nics.ts";
import { firstOf, UsageError, VmError } from "../../vm/vm-error.ts";
import { hit, lookAt, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";

export async function start(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { words } = parseArguments(args, {});
  const uuid = uuidArgument(words, "start");
  const extra = words[1];
  if (extra !== undefined) throw new UsageError(`Invalid argument to start: ${extra.split("=")[0] ?? extra}`);
  const prefix = `Unable to start VM ${uuid}: `;
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError(`${prefix}bad statusCode: 404`);
  if (vm["state"] === "running") throw new VmError(`${prefix}VM ${uuid} is already 'running'`, 0);
  const provisioning = vm["state"] === "provisioning" && vm["zone_state"] === "installed";
  if (vm["state"] !== "stopped" && !provisioning)
    throw new VmError(`${prefix}Cannot start vm from state "${String(vm["state"])}", must be "stopped".`);
  try {
    await startZone(host, vm);
  } catch (error) {
    throw error instanceof VmError ? error.prefixed(prefix) : error;
  }
  return { stderr: `Successfully started VM ${uuid}` };
}

/** Boots a zone whose state allows it and applies the autoboot rule (vmadm.md 10). Raises VmError without prefix. */
export async function startZone(host: VmHost, vm: LabVm): Promise<void> {
  const { lab } = host;
  checkNicTags((vm["nics"] as readonly Nic[] | undefined) ?? [], lab.config.nicTags);
  if (vm["docker"] === true) await setInternalMetadata(lab, vm.uuid, { "docker:restartcount": 0 });
  await hit(host, "start.booting");
  await bootZone(host, vm.uuid);
  await hit(host, "start.booted");
  const policy = (vm["internal_metadata"] as Record<string, unknown>)["docker:restartpolicy"];
  if (vm["docker"] !== true || (typeof policy === "string" && policy !== ""))
    await setZoneProperties(lab, vm.uuid, { autoboot: true });
}

/**
 * `zoneadm boot`. What zoneadm prints when it cannot is not determined (vmadm.md 17); assumed: its text, passed through
 * the parallel start step, in the way other children's failures are worded (vmadm.md 1).
 */
async function bootZone(host: VmHost, uuid: string): Promise<void> {
  try {
    await host.zones.boot(host.lab, uuid);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw firstOf(new VmError(`Command failed: zoneadm: ${text}`));
  }
}
