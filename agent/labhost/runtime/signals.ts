// What a signal does to a zone's init. A Linux PID 1 ignores every signal it has no handler for, from outside as well
// (SIGKILL and SIGSTOP excepted); on illumos init dies of it. We read the dispositions and do what illumos would
// (dockerinit.md 11, point 21).

/** Linux numbers of the signals whose default action ends the process. */
const TERMINATING: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/**
 * True when `signal` would end a process with these dispositions (`status` is the text of /proc/<pid>/status), although
 * a Linux PID 1 would not notice it: not caught, not ignored, not blocked.
 */
export function dropsLethalSignal(status: string, signal: string): boolean {
  const number = TERMINATING[signal];
  if (number === undefined) return false;
  const bit = 1n << BigInt(number - 1);
  return ["SigCgt", "SigIgn", "SigBlk"].every((name) => (mask(status, name) & bit) === 0n);
}

function mask(status: string, name: string): bigint {
  const match = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status);
  return match?.[1] === undefined ? 0n : BigInt(`0x${match[1]}`);
}
