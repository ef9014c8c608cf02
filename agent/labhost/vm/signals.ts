// Signals as `vmadm kill` takes them: numbers are illumos numbers (vmadm.md 3.9).

/** illumos signal numbers by name without SIG; several names may share one. */
const NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  EMT: 7,
  FPE: 8,
  KILL: 9,
  BUS: 10,
  SEGV: 11,
  SYS: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  USR1: 16,
  USR2: 17,
  CHLD: 18,
  CLD: 18,
  PWR: 19,
  WINCH: 20,
  URG: 21,
  POLL: 22,
  IO: 22,
  STOP: 23,
  TSTP: 24,
  CONT: 25,
  TTIN: 26,
  TTOU: 27,
  VTALRM: 28,
  PROF: 29,
  XCPU: 30,
  XFSZ: 31,
  WAITING: 32,
  LWP: 33,
  FREEZE: 34,
  THAW: 35,
  CANCEL: 36,
  LOST: 37,
  XRES: 38,
  JVM1: 39,
  JVM2: 40,
  INFO: 41,
};

/** Names Linux spells differently. */
const LINUX_NAMES: Readonly<Record<string, NodeJS.Signals>> = { CLD: "SIGCHLD", POLL: "SIGIO", IOT: "SIGABRT" };
/** Those Linux has no counterpart for; sending one only tests whether there is somebody to receive it. */
const NOT_ON_LINUX = ["EMT", "WAITING", "LWP", "FREEZE", "THAW", "CANCEL", "LOST", "XRES", "JVM1", "JVM2", "INFO"];

/** `test`: nothing is sent. undefined: an unknown name. An unknown number is SIGTERM. */
export function parseSignal(text: string): NodeJS.Signals | "test" | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) return "test";
    const name = Object.keys(NUMBERS).find((key) => NUMBERS[key] === number);
    return name === undefined ? "SIGTERM" : linuxSignal(name);
  }
  const name = text.startsWith("SIG") ? text.slice(3) : text;
  return Object.hasOwn(NUMBERS, name) ? linuxSignal(name) : undefined;
}

function linuxSignal(name: string): NodeJS.Signals | "test" {
  if (NOT_ON_LINUX.includes(name)) return "test";
  return LINUX_NAMES[name] ?? (`SIG${name}` as NodeJS.Signals);
}
