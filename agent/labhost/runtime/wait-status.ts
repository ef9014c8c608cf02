// wait(2) statuses as zoneadmd writes them to `lastexited` (dockerinit.md 5.1): illumos numbers for signals.

/** Linux signal names to illumos numbers; those that differ are listed in dockerinit.md 11, point 20. */
const ILLUMOS_SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGIOT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGBUS: 10,
  SIGSEGV: 11,
  SIGSYS: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGUSR1: 16,
  SIGUSR2: 17,
  SIGCHLD: 18,
  SIGPWR: 19,
  SIGWINCH: 20,
  SIGURG: 21,
  SIGIO: 22,
  SIGPOLL: 22,
  SIGSTOP: 23,
  SIGTSTP: 24,
  SIGCONT: 25,
  SIGTTIN: 26,
  SIGTTOU: 27,
  SIGVTALRM: 28,
  SIGPROF: 29,
  SIGXCPU: 30,
  SIGXFSZ: 31,
};

export const HALTED = -1;

export function statusOfExit(code: number): number {
  return code << 8;
}

/** A signal unknown to illumos (SIGSTKFLT) counts as SIGKILL. */
export function statusOfSignal(signal: string): number {
  return ILLUMOS_SIGNALS[signal] ?? 9;
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
