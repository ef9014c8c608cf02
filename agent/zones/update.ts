// What of a container can be changed while it is there: caps and the restart policy, by vmadm update. Pure.
import { AgentError } from "../errors/agent-error.ts";
import { parseByteSize, MIB } from "../util/units.ts";
import type { UpdatePayload, VmObject } from "../vmadm/schema.ts";

export interface ContainerChanges {
  /** Sizes as people type them: `512m`. */
  readonly memory?: string | undefined;
  /** Memory and swap together. */
  readonly memorySwap?: string | undefined;
  /** CPUs, `1.5`. 0 lifts the cap. */
  readonly cpus?: string | undefined;
  readonly pidsLimit?: string | undefined;
  readonly restart?: string | undefined;
}

/** vmadm refuses a smaller swap (vmadm.md 6). */
const SWAP_MIN_MIB = 256;

/**
 * The payload for the changes. Every memory value is given: vmadm would move the others along by rules of its own
 * (vmadm.md 6). Raises USAGE for values that mean nothing.
 */
export function planUpdate(vm: VmObject, changes: ContainerChanges): UpdatePayload {
  const payload: UpdatePayload = {
    ...memoryOf(vm, changes),
    ...(changes.cpus === undefined ? {} : { cpu_cap: percent(changes.cpus) }),
    ...(changes.pidsLimit === undefined ? {} : { max_lwps: count(changes.pidsLimit) }),
    ...(changes.restart === undefined ? {} : restartOf(vm, changes.restart)),
  };
  if (Object.keys(payload).length === 0)
    throw new AgentError("USAGE", "nothing to change was given", { hint: 'see "zonelet update --help"' });
  return payload;
}

function memoryOf(vm: VmObject, { memory, memorySwap }: ContainerChanges): UpdatePayload {
  if (memory === undefined && memorySwap === undefined) return {};
  const before = vm.max_physical_memory ?? 0;
  const cap = memory === undefined ? before : mebibytes("--memory", memory);
  const swapBefore = Math.max(0, (vm.max_swap ?? before) - before);
  const swap = memorySwap === undefined ? cap + swapBefore : mebibytes("--memory-swap", memorySwap);
  if (memorySwap !== undefined && swap < cap)
    throw new AgentError("USAGE", "--memory-swap is memory and swap together: it cannot be less than the memory");
  const locked = vm["max_locked_memory"];
  return {
    max_physical_memory: cap,
    max_locked_memory: Math.min(typeof locked === "number" && memory === undefined ? locked : cap, cap),
    max_swap: Math.max(swap, cap, SWAP_MIN_MIB),
    ...(typeof vm["tmpfs"] === "number" ? { tmpfs: Math.min(vm["tmpfs"], cap) } : {}),
  };
}

function mebibytes(option: string, text: string): number {
  const bytes = parseByteSize(text);
  if (bytes === undefined || bytes < 6 * MIB)
    throw new AgentError("USAGE", `${option} takes a size of at least 6m, not "${text}"`);
  return Math.ceil(bytes / MIB);
}

function percent(text: string): number {
  const cpus = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(cpus <= 1024)) throw new AgentError("USAGE", `--cpus takes a number of CPUs, not "${text}"`);
  return Math.ceil(Math.round(cpus * 1e8) / 1e6);
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new AgentError("USAGE", `--pids-limit takes a whole number above 0, not "${text}"`);
}

/**
 * vmadmd restarts by `docker:restartpolicy` while autoboot is set (dockerinit.md 5.3); it knows no `unless-stopped`, but
 * a stop clears autoboot, so that `always` is what that word means.
 */
function restartOf(vm: VmObject, text: string): UpdatePayload {
  const key = "docker:restartpolicy";
  if (text === "no") return { autoboot: false, remove_internal_metadata: [key] };
  const policy = text === "unless-stopped" ? "always" : text;
  if (!/^(always|on-failure(:[1-9]\d{0,6})?)$/.test(policy))
    throw new AgentError("USAGE", `--restart takes no, always, unless-stopped or on-failure[:N], not "${text}"`);
  // A container that was stopped stays so: its next start sets autoboot.
  return { ...(vm.state === "running" ? { autoboot: true } : {}), set_internal_metadata: { [key]: policy } };
}
