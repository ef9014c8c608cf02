// Signals by the names and numbers of Linux: what people and images write. Platforms number some of them differently; the
// name is what all share.

export const LINUX_SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/** `SIGTERM` for `TERM`, `sigterm`, `SIGTERM` or `15`; undefined for what is no signal. */
export function parseSignal(text: string): string | undefined {
  const name = `SIG${text.toUpperCase().replace(/^SIG/, "")}`;
  if (Object.hasOwn(LINUX_SIGNALS, name)) return name;
  return Object.entries(LINUX_SIGNALS).find(([, number]) => String(number) === text)?.[0];
}
