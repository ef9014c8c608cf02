// Stopping a container as Docker does: its stop signal, its time, then SIGKILL. A stop that was asked for is for good:
// the restart policy does not bring it back.
import { hasCode } from "../errors/agent-error.ts";
import { LINUX_SIGNALS } from "../util/linux-signals.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import type { VerbOptions } from "./verb-options.ts";
import type { ZoneStore } from "./store.ts";
import { watchZones } from "./watch.ts";

export interface StopDependencies {
  readonly vmadm: Vmadm;
  readonly store: ZoneStore;
  /** Told of each signal somebody asked us to send, by its Linux number, just before it is sent. */
  readonly onSignal?: (vm: VmObject, signal: string) => Promise<void>;
}

export interface StopOptions extends VerbOptions {
  /** Seconds before SIGKILL; 0: at once. Default: the container's own, else 10. */
  readonly timeoutS?: number | undefined;
}

const DEFAULT_TIMEOUT_S = 10;

/** Not running is success. */
export async function stopZone(vm: VmObject, options: StopOptions, dependencies: StopDependencies): Promise<void> {
  const { vmadm } = dependencies;
  const call = options.signal ? { signal: options.signal } : {};
  if (vm.state !== "running") {
    await vmadm.stop(vm.uuid, call); // clears autoboot: a restart policy must not bring it back
    return;
  }
  const timeoutS = options.timeoutS ?? secondsOf(vm) ?? DEFAULT_TIMEOUT_S;
  if (timeoutS <= 0) {
    await killZone(vm, options, dependencies);
    return;
  }
  const signal = vm.internal_metadata[MARK_KEYS.stopSignal];
  if (typeof signal === "string" && signal !== "SIGTERM") {
    // vmadm's own stop knows only TERM, so another signal is sent by us and given its time.
    await stayDown(vm, dependencies, call);
    await tellSignal(vm, signal, dependencies);
    if (await sent(vm, signal, vmadm, call)) {
      if (await endsWithin(vm, timeoutS * 1000, options, vmadm)) await vmadm.stop(vm.uuid, call);
      else await killZone(vm, options, dependencies);
    }
    return;
  }
  await tellSignal(vm, "SIGTERM", dependencies);
  const from = new Date();
  await vmadm.stop(vm.uuid, { ...call, timeoutS });
  // vmadm does not tell whether it had to kill; the time it took does.
  if (Date.now() - from.getTime() >= timeoutS * 1000) await noteKill(vm, { from, until: new Date() }, dependencies);
}

/**
 * SIGKILL to everything in the zone, at once. The platform's exit status of that is 0 (dockerinit.md 5.2): the record says
 * what it was. Takes no lock, so that it cuts a polite stop short. Not running is success.
 */
export async function killZone(vm: VmObject, options: VerbOptions, dependencies: StopDependencies): Promise<void> {
  const call = options.signal ? { signal: options.signal } : {};
  await stayDown(vm, dependencies, call);
  await tellSignal(vm, "SIGKILL", dependencies);
  const from = new Date();
  await noteKill(vm, { from }, dependencies);
  try {
    await dependencies.vmadm.stop(vm.uuid, { ...call, force: true });
  } catch (error) {
    if (!hasCode(error, "ZONE_NOT_RUNNING")) throw error;
  }
  await noteKill(vm, { from, until: new Date() }, dependencies);
}

/** Tells whose signal it was. */
export async function tellSignal(
  vm: VmObject,
  signal: string,
  { onSignal }: Pick<StopDependencies, "onSignal">,
): Promise<void> {
  if (vm.state === "running") await onSignal?.(vm, String(LINUX_SIGNALS[signal] ?? signal));
}

/** vmadmd restarts a tenth of a second after the end, before a stop that follows a signal could clear autoboot. */
async function stayDown(
  vm: VmObject,
  { vmadm }: StopDependencies,
  call: { readonly signal?: AbortSignal },
): Promise<void> {
  if (vm.autoboot === true) await vmadm.update(vm.uuid, { autoboot: false }, call);
}

async function noteKill(
  vm: VmObject,
  killed: { readonly from: Date; readonly until?: Date },
  { store }: StopDependencies,
): Promise<void> {
  const record = await store.get(vm.uuid);
  if (!record) return; // a foreign zone: the platform's word is all there is
  const { from, until } = killed;
  const note = { from: from.toISOString(), ...(until === undefined ? {} : { until: until.toISOString() }) };
  await store.save({ ...record, killed: note }, { sync: false });
}

/** False: it had ended before the signal came. */
async function sent(
  vm: VmObject,
  signal: string,
  vmadm: Vmadm,
  call: { readonly signal?: AbortSignal },
): Promise<boolean> {
  try {
    await vmadm.kill(vm.uuid, signal, call);
    return true;
  } catch (error) {
    if (hasCode(error, "ZONE_NOT_RUNNING")) return false;
    throw error;
  }
}

async function endsWithin(vm: VmObject, ms: number, options: VerbOptions, vmadm: Vmadm): Promise<boolean> {
  const deadline = AbortSignal.timeout(ms);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    using watch = await watchZones(vmadm, { zone: vm.uuid, signal });
    await watch.until(vm.uuid, (now) => now?.state !== "running", signal);
    return true;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (deadline.aborted) return false;
    throw error;
  }
}

function secondsOf(vm: VmObject): number | undefined {
  const value = Number(vm.internal_metadata[MARK_KEYS.stopTimeout] ?? NaN);
  return Number.isFinite(value) ? value : undefined;
}
