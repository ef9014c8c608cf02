// What a signal does to a zone's init. A Linux PID 1 ignores every signal it has no handler for, from outside as well
// (SIGKILL and SIGSTOP excepted); on illumos init dies of it. We read the dispositions and do what illumos would
// (dockerinit.md 11, point 21).
import { constants } from "node:os";

/** Those whose default action ends the process. */
const TERMINATING: ReadonlySet<string> = new Set([
  ...["SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGUSR1", "SIGSEGV"],
  ...["SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPWR"],
  "SIGSYS",
]);

/**
 * True when `signal` would end a process with these dispositions (`status` is the text of /proc/<pid>/status), although
 * a Linux PID 1 would not notice it: not caught, not ignored, not blocked.
 */
export function dropsLethalSignal(status: string, signal: NodeJS.Signals): boolean {
  if (!TERMINATING.has(signal)) return false;
  const bit = 1n << BigInt(constants.signals[signal] - 1);
  return ["SigCgt", "SigIgn", "SigBlk"].every((name) => (mask(status, name) & bit) === 0n);
}

function mask(status: string, name: string): bigint {
  const match = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status);
  return match?.[1] === undefined ? 0n : BigInt(`0x${match[1]}`);
}
