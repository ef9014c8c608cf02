// stop (vmadm.md 3.7; dockerinit.md 5.2), also as the first half of reboot.
import type { LabVm } from "../../lab-vm.ts";
import { setZoneProperties } from "../../zone-store.ts";
import { firstOf, VmError } from "../../vm/vm-error.ts";
import { hit, initPid, lookAt, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";
import { runInZone } from "./run-in-zone.ts";
import { brandFeatures } from "../../vm/properties.ts";
import { waitUntil } from "./waiting.ts";

const DEFAULT_TIMEOUT_S = 10;
const AFTER_KILL_MS = 10_000;
const SHUTDOWN_MS = 60_000;
const DOWN_MS = 60_000;

export async function stop(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, {
    force: { kind: "flag", short: "F" },
    timeout: { kind: "number", short: "t" },
  });
  const uuid = uuidArgument(words, "stop");
  if (options["force"] === true) await forceStop(host, uuid);
  else await gracefulStop(host, uuid, Number(options["timeout"] ?? 0));
  return { stderr: `Successfully completed stop for VM ${uuid}` };
}

async function forceStop(host: VmHost, uuid: string): Promise<void> {
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError("bad statusCode: 404");
  await hit(host, "stop.halting");
  if (!(await host.zones.halt(host.lab, uuid))) throw firstOf(alreadyStopped(vm));
  await hit(host, "stop.halted");
  await setZoneProperties(host.lab, uuid, { autoboot: false });
}

async function gracefulStop(host: VmHost, uuid: string, timeoutS: number): Promise<void> {
  if (!lookAt(host, uuid)) throw new VmError(`VM ${uuid} not found`);
  await setZoneProperties(host.lab, uuid, { autoboot: false });
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError(`VM ${uuid} not found`);
  const { message } = alreadyStopped(vm);
  if (vm["state"] !== "running") throw new VmError(message, 0);
  if (vm["docker"] !== true && timeoutS !== 0)
    throw firstOf(new VmError("Timeout option is only supported for bhyve, KVM and docker containers."));
  await stopRunning(host, vm, timeoutS);
}

function alreadyStopped(vm: LabVm): VmError {
  return new VmError(`VM ${vm.uuid} is already not 'running' (currently: ${String(vm["state"])})`);
}

/** Brings a running zone down in the way of its kind; 0 seconds count as not given. */
export async function stopRunning(host: VmHost, vm: LabVm, timeoutS: number): Promise<void> {
  await hit(host, "stop.signalling");
  if (vm["docker"] === true) await stopContainer(host, vm.uuid, timeoutS === 0 ? DEFAULT_TIMEOUT_S : timeoutS);
  else await shutDown(host, vm);
  await hit(host, "stop.halting");
  // vmadm halts the zone even when init ended by itself: that races with the kernel's own halt (vmadm.md 11).
  await host.zones.halt(host.lab, vm.uuid);
  if (!(await waitUntil(() => isDown(host, vm.uuid), DOWN_MS)))
    throw new VmError(`vminfod watchForChanges "VM.js VM.stop (${vm.uuid})" timeout exceeded`);
  await hit(host, "stop.halted");
}

async function stopContainer(host: VmHost, uuid: string, timeoutS: number): Promise<void> {
  const gone = (): boolean => initPid(host, uuid) === undefined;
  if (!(await host.zones.signal(host.lab, uuid, "SIGTERM"))) return;
  if (await waitUntil(gone, Math.max(0, timeoutS * 1000))) return;
  if (!(await host.zones.signal(host.lab, uuid, "SIGKILL"))) return;
  await waitUntil(gone, AFTER_KILL_MS);
}

async function shutDown(host: VmHost, vm: LabVm): Promise<void> {
  const command = brandFeatures(String(vm["brand"]))?.shutdownCommand ?? [];
  await runInZone(host.lab, vm.uuid, command);
  await waitUntil(() => isDown(host, vm.uuid), SHUTDOWN_MS);
}

function isDown(host: VmHost, uuid: string): boolean {
  return host.zones.read(host.lab, uuid).zoneState === "installed";
}
