// Why a container ended before its program ran: dockerinit's own last words, which `logs` never shows (dockerinit.md 4.10).
import { readTextInRoot } from "../host/in-root.ts";

/**
 * Every code dockerinit ends with (dockerinit.md 4.11), what it means, and Docker's code for the same where it has one.
 * The table in agent/cli/README.md is this one.
 */
const DOCKERINIT_CODES: Readonly<Record<number, { readonly meaning: string; readonly docker?: number }>> = {
  1: { meaning: "an inner error of dockerinit" },
  2: { meaning: "the working directory cannot be entered", docker: 126 },
  3: { meaning: "the program could not be executed", docker: 126 },
  4: { meaning: "no process could be made" },
  5: { meaning: "the group does not exist in the image" },
  6: { meaning: "supplementary groups could not be set" },
  7: { meaning: "the zone's brand runs no containers" },
  8: { meaning: "metadata could not be read" },
  9: { meaning: "the metadata service could not be reached" },
  12: { meaning: "the zone's brand is not known" },
  13: { meaning: "no command was given" },
  17: { meaning: "the command was not found in PATH", docker: 127 },
  18: { meaning: "dockerinit's log could not be opened" },
  19: { meaning: "the standard streams could not be opened" },
  20: { meaning: "a metadata value is not the JSON it should be" },
  22: { meaning: "the end of provisioning could not be marked" },
  23: { meaning: "the group id could not be set" },
  24: { meaning: "the user id could not be set" },
  25: { meaning: "the command does not exist", docker: 127 },
  26: { meaning: "the command is a directory", docker: 126 },
  27: { meaning: "the command is not executable", docker: 126 },
  28: { meaning: "no memory was left" },
  29: { meaning: "the user does not exist in the image" },
  30: { meaning: "/etc/mtab could not be written" },
  31: { meaning: "the network could not be set up" },
  32: { meaning: "a network interface could not be plumbed" },
  33: { meaning: "a network interface could not be brought up" },
  34: { meaning: "a network interface got no IPv6 address" },
  38: { meaning: "the network daemon died" },
  39: { meaning: "the network daemon failed" },
  40: { meaning: "/dev/fd could not be mounted" },
  41: { meaning: "the logger could not be set up" },
  42: { meaning: "the logger could not be set up" },
  43: { meaning: "the time to wait for an attach is not a number" },
  44: { meaning: "the time of day is not known" },
  45: { meaning: "nobody attached in time" },
  46: { meaning: "the platform's metadata service is too old" },
  47: { meaning: "/etc/mtab could not be replaced" },
  48: { meaning: "no memory was left" },
  49: { meaning: "a directory could not be made" },
  51: { meaning: "the logger's streams could not be set up" },
  52: { meaning: "the logger's streams could not be set up" },
  53: { meaning: "the logger's streams could not be set up" },
  54: { meaning: "the logger could not be set up" },
  55: { meaning: "the process contract could not be set up" },
  56: { meaning: "/dev/shm could not be mounted" },
  57: { meaning: "an NFS volume is not valid" },
  58: { meaning: "an NFS volume could not be mounted" },
};

export interface BootFailure {
  readonly code: number;
  /** dockerinit's sentence. */
  readonly message: string;
  readonly meaning: string | undefined;
  readonly dockerCode: number | undefined;
  /** Milliseconds from dockerinit's first word to its last. */
  readonly afterMs: number | undefined;
}

const FATAL = /^\S+ FATAL \(code: (\d+)\): (.*)$/;
const MAX_LOG = 256 * 1024;

/** Finds the fatal line in the text of sdc-dockerinit.log: its presence is what tells dockerinit's exit from the program's. */
export function parseBootLog(text: string): BootFailure | undefined {
  const lines = text.split("\n");
  for (const line of lines.toReversed()) {
    const match = FATAL.exec(line);
    if (!match) continue;
    const code = Number(match[1]);
    const known = DOCKERINIT_CODES[code];
    return {
      code,
      message: printable(match[2] ?? ""),
      meaning: known?.meaning,
      dockerCode: known?.docker,
      afterMs: elapsed(lines[0] ?? "", line),
    };
  }
  return undefined;
}

/**
 * The reason dockerinit gave up, read from a zone that is not running: its root is then nobody's to change, and links in
 * it are followed inside only. undefined: the program itself ran.
 */
export function readBootFailure(zoneRoot: string): BootFailure | undefined {
  const text = readTextInRoot(zoneRoot, "/var/log/sdc-dockerinit.log", MAX_LOG, { oneName: true });
  return text === undefined ? undefined : parseBootLog(text);
}

function elapsed(first: string, last: string): number | undefined {
  const [begin, end] = [first, last].map((line) => Date.parse(/^\S+Z(?= )/.exec(line)?.[0] ?? ""));
  const ms = (end ?? NaN) - (begin ?? NaN);
  return ms >= 0 ? ms : undefined;
}

/** `/entrypoint.sh not found in the image`: dockerinit's sentence in words for people; else its meaning and the sentence. */
export function bootFailureText({ code, message, meaning }: BootFailure): string {
  const missing = /^'(.*)' not found in PATH$/.exec(message);
  if (code === 17 && missing) return `${missing[1] ?? ""} not found in the image's PATH`;
  const [, path, reason] = /^(?:stat|chdir)\((.*)\)(?: failed)?: (.*)$/.exec(message) ?? [];
  if (path !== undefined && reason !== undefined) {
    if (code === 25 && reason === "No such file or directory") return `${path} not found in the image`;
    if (code === 25) return `${path} cannot be executed: ${reason}`;
    if (code === 26 || code === 27) return `${path} ${reason}`;
    if (code === 2) return `the working directory ${path} cannot be entered: ${reason}`;
  }
  return meaning === undefined ? message : `${meaning}: ${message}`;
}

/**
 * Whether dockerinit's last word explains this exit status of the platform: its code, or SIGABRT after code 1. A program
 * may end with the same number, but then there is no fatal line of this boot.
 */
export function explainsExit(failure: BootFailure, platformStatus: number): boolean {
  return failure.code === 1 ? platformStatus === -6 || platformStatus === -134 : failure.code === platformStatus;
}

/** The container may have written the file: no control characters reach a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?").slice(0, 500);
}
