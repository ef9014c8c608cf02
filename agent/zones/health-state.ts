// What the results of its health checks make of a container: Docker's states and its times (moby daemon/health.go). Pure.
//
//   starting ──good──▶ healthy ◀──good── unhealthy
//      └──── `retries` bad in a row ────────▶┘
//
// Within the start period a bad result does not count, unless a good one came before. Every boot begins anew.
import { z } from "zod";
import type { Healthcheck } from "../spec/healthcheck.ts";
import type { VmObject } from "../vmadm/schema.ts";

/** Results kept. */
const KEPT = 5;
/** Output kept of each, in bytes. */
export const OUTPUT_LIMIT = 4096;

const result = z.object({
  /** ISO 8601, as `end`. */
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  /** 0 is good; −1: it was not done in time, or could not be run. */
  exitCode: z.int(),
  output: z.string(),
});
export type HealthResult = Readonly<z.output<typeof result>>;

export const healthStateSchema = z.object({
  version: z.literal(1),
  /** The run of the container these results are of, see `bootOf`. */
  boot: z.string(),
  status: z.enum(["starting", "healthy", "unhealthy"]),
  failingStreak: z.int().nonnegative(),
  log: z.array(result).max(KEPT),
  /** The last status that was made an event. */
  told: z.enum(["healthy", "unhealthy"]).optional(),
});
export type HealthState = Readonly<z.output<typeof healthStateSchema>>;

/** Names one run of a zone: `boot_timestamp` alone has whole seconds only (vmadm.md 11). Undefined while it does not run. */
export function bootOf(vm: VmObject): string | undefined {
  return vm.state === "running" && vm.boot_timestamp !== undefined ? `${vm.boot_timestamp} ${vm.pid ?? 0}` : undefined;
}

/** The state of the run at hand: `known` where it is of this run. */
export function stateOf(boot: string, known: HealthState | undefined): HealthState {
  return known?.boot === boot ? known : { version: 1, boot, status: "starting", failingStreak: 0, log: [] };
}

/** @param bootedMs when the container was started, in milliseconds since 1970 */
export function withResult(
  state: HealthState,
  result: HealthResult,
  check: Healthcheck,
  bootedMs: number,
): HealthState {
  const log = [...state.log, result].slice(-KEPT);
  if (result.exitCode === 0) return { ...state, status: "healthy", failingStreak: 0, log };
  const excused = state.status === "starting" && Date.parse(result.start) - bootedMs < check.startPeriodMs;
  if (excused) return { ...state, log };
  const failingStreak = state.failingStreak + 1;
  return { ...state, status: failingStreak >= check.retries ? "unhealthy" : state.status, failingStreak, log };
}

/** When the next check is due, in milliseconds since 1970: an interval after the start, or after the end of the last one. */
export function dueAt(state: HealthState, check: Healthcheck, bootedMs: number): number {
  const last = state.log.at(-1);
  const from = last === undefined ? bootedMs : Date.parse(last.end);
  const early = state.status === "starting" && from - bootedMs < check.startPeriodMs;
  return from + (early ? check.startIntervalMs : check.intervalMs);
}

/** Checks wait for each other, and for a busy machine. */
const SLACK_MS = 10_000;

/** True when a check is so long overdue that nobody runs them. */
export function isStale(state: HealthState, check: Healthcheck, bootedMs: number, nowMs: number): boolean {
  return nowMs > dueAt(state, check, bootedMs) + check.timeoutMs + SLACK_MS;
}
