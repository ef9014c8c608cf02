// wait(2) statuses as zoneadmd writes them to `lastexited` (dockerinit.md 5.1): illumos numbers for signals.
import { ILLUMOS_SIGNALS } from "../illumos-signals.ts";

export const HALTED = -1;

export function statusOfExit(code: number): number {
  return code << 8;
}

/** `signal` is a Linux name. One unknown to illumos (SIGSTKFLT) counts as SIGKILL. */
export function statusOfSignal(signal: string): number {
  return ILLUMOS_SIGNALS[signal.replace(/^SIG/, "")] ?? 9;
}

/** dockerinit's end: code 1 calls abort() (dockerinit.md 4.11). */
export function statusOfFatal(code: number): number {
  return code === 1 ? statusOfSignal("SIGABRT") : statusOfExit(code);
}

/** `<sec>.<usec> <status>\n`; microseconds are not padded, as on the platform. `time` in milliseconds, fractions count. */
export function formatLastExited(time: number, status: number): string {
  const micros = Math.round(time * 1000);
  return `${Math.floor(micros / 1_000_000)}.${micros % 1_000_000} ${status}\n`;
}
