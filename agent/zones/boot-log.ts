// Why a container ended before its program ran: dockerinit's own last words, which `logs` never shows (dockerinit.md 4.10).
import { readTextInRoot } from "../host/in-root.ts";

/** Exit codes that dockerinit gives and a program rarely does, with Docker's equivalent where there is one (dockerinit.md 4.11). */
const DOCKERINIT_CODES: Readonly<Record<number, { readonly meaning: string; readonly docker?: number }>> = {
  2: { meaning: "the working directory cannot be entered" },
  3: { meaning: "the program could not be executed", docker: 126 },
  5: { meaning: "the group does not exist in the image" },
  6: { meaning: "supplementary groups could not be set" },
  8: { meaning: "metadata could not be read" },
  13: { meaning: "no command was given" },
  17: { meaning: "the command was not found in PATH", docker: 127 },
  20: { meaning: "a metadata value is not the JSON it should be" },
  23: { meaning: "the group id could not be set" },
  24: { meaning: "the user id could not be set" },
  25: { meaning: "the command does not exist", docker: 127 },
  26: { meaning: "the command is a directory", docker: 126 },
  27: { meaning: "the command is not executable", docker: 126 },
  29: { meaning: "the user does not exist in the image" },
  45: { meaning: "nobody attached in time" },
  49: { meaning: "a directory could not be made" },
  57: { meaning: "an NFS volume is not valid" },
  58: { meaning: "an NFS volume could not be mounted" },
};

export interface BootFailure {
  readonly code: number;
  /** dockerinit's sentence. */
  readonly message: string;
  readonly meaning: string | undefined;
  readonly dockerCode: number | undefined;
}

const FATAL = /^\S+ FATAL \(code: (\d+)\): (.*)$/;
const MAX_LOG = 256 * 1024;

/** Finds the fatal line in the text of sdc-dockerinit.log: its presence is what tells dockerinit's exit from the program's. */
export function parseBootLog(text: string): BootFailure | undefined {
  for (const line of text.split("\n").toReversed()) {
    const match = FATAL.exec(line);
    if (!match) continue;
    const code = Number(match[1]);
    const known = DOCKERINIT_CODES[code];
    return { code, message: printable(match[2] ?? ""), meaning: known?.meaning, dockerCode: known?.docker };
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

/** The container may have written the file: no control characters reach a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?").slice(0, 500);
}
