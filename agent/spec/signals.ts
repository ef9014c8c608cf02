// Signal names an LX zone's init can be sent (sdc-docker.md 24) and their Linux numbers: images name them by number, too.
const LINUX_NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
};

/** `SIGTERM` for `TERM`, `sigterm`, `SIGTERM` or `15`; undefined for what the platform cannot send. */
export function parseSignal(text: string): string | undefined {
  const word = text.toUpperCase().replace(/^SIG/, "");
  if (Object.hasOwn(LINUX_NUMBERS, word)) return `SIG${word}`;
  const named = Object.entries(LINUX_NUMBERS).find(([, number]) => String(number) === text);
  return named === undefined ? undefined : `SIG${named[0]}`;
}
