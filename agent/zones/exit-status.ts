// Exit statuses of containers, from the platform's form into the one people know.

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

const LINUX_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9,
  SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGCHLD: 17, SIGCONT: 18,
  SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGURG: 23, SIGXCPU: 24, SIGXFSZ: 25, SIGVTALRM: 26,
  SIGPROF: 27, SIGWINCH: 28, SIGIO: 29, SIGPWR: 30, SIGSYS: 31,
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
  return { code: 128 + (LINUX_NUMBERS[signal] ?? number), signal, coreDumped };
}

/**
 * A signal as people give it (`TERM`, `SIGTERM`, `15`) as a name. Numbers are Linux's: whoever types 10 at a container
 * means USR1; the platform would read it as BUS. undefined: no such signal.
 */
export function signalName(text: string): string | undefined {
  if (/^\d+$/.test(text)) return Object.entries(LINUX_NUMBERS).find(([, number]) => number === Number(text))?.[0];
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  return name in LINUX_NUMBERS ? name : undefined;
}

export const SIGNAL_NAMES: readonly string[] = Object.keys(LINUX_NUMBERS);
