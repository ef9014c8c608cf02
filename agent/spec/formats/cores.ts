// CPU time as the kernel's scheduler counts it, as cores.

/** Microseconds of CPU per period of real time (container-specs.md 3 and 7). */
const DEFAULT_PERIOD = 100_000;

/** Cores of a quota per period, both in µs, rounded up to thousandths. */
export function coresOfQuota(quota: number, period = DEFAULT_PERIOD): number {
  return Math.ceil((quota * 1000) / period) / 1000;
}
