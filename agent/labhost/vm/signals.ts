// Signals as `vmadm kill` takes them: numbers are illumos numbers (vmadm.md 3.9).
import { ILLUMOS_SIGNALS } from "../illumos-signals.ts";

/** Names Linux spells differently. */
const LINUX_NAMES: Readonly<Record<string, NodeJS.Signals>> = { CLD: "SIGCHLD", POLL: "SIGIO", IOT: "SIGABRT" };
/** Those Linux has no counterpart for; sending one only tests whether there is somebody to receive it. */
const NOT_ON_LINUX = ["EMT", "WAITING", "LWP", "FREEZE", "THAW", "CANCEL", "LOST", "XRES", "JVM1", "JVM2", "INFO"];

/** `test`: nothing is sent. undefined: an unknown name. An unknown number is SIGTERM. */
export function parseSignal(text: string): NodeJS.Signals | "test" | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) return "test";
    const name = Object.keys(ILLUMOS_SIGNALS).find((key) => ILLUMOS_SIGNALS[key] === number);
    return name === undefined ? "SIGTERM" : linuxSignal(name);
  }
  const name = text.startsWith("SIG") ? text.slice(3) : text;
  return Object.hasOwn(ILLUMOS_SIGNALS, name) ? linuxSignal(name) : undefined;
}

function linuxSignal(name: string): NodeJS.Signals | "test" {
  if (NOT_ON_LINUX.includes(name)) return "test";
  return LINUX_NAMES[name] ?? (`SIG${name}` as NodeJS.Signals);
}
