// Exit statuses of containers, from the platform's form into the one people know.
import { LINUX_SIGNALS } from "../util/linux-signals.ts";

/**
 * Signals by illumos number (vmadm shows minus that number; dockerinit.md 5.1), for those a container can die of or is
 * sent. Linux's numbers differ above 6: the name is what both worlds share.
 */
const ILLUMOS_SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGEMT", 8: "SIGFPE",
  9: "SIGKILL", 10: "SIGBUS", 11: "SIGSEGV", 12: "SIGSYS", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
  16: "SIGUSR1", 17: "SIGUSR2", 18: "SIGCHLD", 19: "SIGPWR", 20: "SIGWINCH", 21: "SIGURG", 22: "SIGIO",
  23: "SIGSTOP", 24: "SIGTSTP", 25: "SIGCONT", 26: "SIGTTIN", 27: "SIGTTOU", 28: "SIGVTALRM", 29: "SIGPROF",
  30: "SIGXCPU", 31: "SIGXFSZ",
}; // prettier-ignore

export interface ExitStatus {
  /** What Docker would show: the program's code, or 128 + the signal's Linux number. */
  readonly code: number;
  /** Set when a signal ended it. */
  readonly signal?: string;
  readonly coreDumped: boolean;
}

/** Reads `exit_status` of a zone object: ≥ 0 a code, < 0 a signal, 128 more when a core was dumped (vmadm.md 11). */
export function exitStatus(platformStatus: number): ExitStatus {
  if (platformStatus >= 0) return { code: platformStatus, coreDumped: false };
  const coreDumped = -platformStatus > 128;
  const number = coreDumped ? -platformStatus - 128 : -platformStatus;
  const signal = ILLUMOS_SIGNALS[number] ?? `SIG${number}`;
  return { code: 128 + (LINUX_SIGNALS[signal] ?? number), signal, coreDumped };
}
