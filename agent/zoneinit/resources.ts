// The only place where sizes and shares change units: bytes to MiB and GiB, cores to percent, Docker's weights to shares
// (vmadm.md 6, sdc-docker.md 10).
import type { ResolvedContainer } from "../spec/resolved.ts";
import { GIB, MIB } from "../util/units.ts";

/** vmadm refuses less. */
const SWAP_MIN_MIB = 256;
/** vmadm clamps above. */
const CPU_SHARES_MAX = 65535;

export interface ZoneResources {
  readonly max_physical_memory: number;
  readonly max_locked_memory: number;
  readonly max_swap: number;
  readonly tmpfs: number;
  readonly max_lwps: number;
  readonly quota: number;
  readonly cpu_cap?: number;
  readonly cpu_shares?: number;
  readonly zfs_io_priority?: number;
}

/** Every memory value is explicit: vmadm's own defaults and later re-scaling depend on each other (vmadm.md 6). */
export function zoneResources(container: ResolvedContainer): ZoneResources {
  const memory = Math.ceil(container.memoryBytes / MIB);
  return {
    max_physical_memory: memory,
    max_locked_memory: Math.min(Math.ceil(container.lockedBytes / MIB), memory),
    max_swap: Math.max(Math.ceil(container.swapBytes / MIB), memory, SWAP_MIN_MIB),
    // 0 is a plain directory: /tmp counts against the quota instead of the memory, as with sdc-docker.
    tmpfs: Math.min(Math.ceil(container.tmpfsBytes / MIB), memory),
    max_lwps: container.maxLwps,
    quota: Math.ceil(container.diskBytes / GIB),
    ...(container.cpus === undefined ? {} : { cpu_cap: Math.ceil(round(container.cpus * 100)) }),
    ...sharesOf(container),
    ...(container.ioPriority === undefined ? {} : { zfs_io_priority: container.ioPriority }),
  };
}

function sharesOf({ cpuShares, zoneShares }: ResolvedContainer): { readonly cpu_shares?: number } {
  if (cpuShares !== undefined) return { cpu_shares: cpuSharesOf(cpuShares) };
  return zoneShares === undefined ? {} : { cpu_shares: Math.min(zoneShares, CPU_SHARES_MAX) };
}

/** Docker's weight (1024 is normal) as illumos shares (100 is normal). */
function cpuSharesOf(weight: number): number {
  return Math.min(Math.max(1, Math.round((weight * 100) / 1024)), CPU_SHARES_MAX);
}

/** 0.29 × 100 is 28.999999999999996; that must not become 29 by luck nor 0.07 × 100 become 8. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** Seconds of vmadm's stop, which takes whole ones and turns 0 into 10. */
export function stopTimeoutSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
