// Misbehaviour on demand, in the manner of containerd's failpoints:
//   LABHOST_FAILPOINTS='vmadm.create.installed=1*error(no space left)->off;imgadm.install.untar=delay(500)'
// A point is `<command>.<subcommand>.<place>`; each has terms joined by `->`, a term may be limited by `N*`. How often a
// point was hit is counted in files, because every command is a process of its own.
import { appendFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suggest } from "../util/suggest.ts";
import { FAILPOINTS } from "./failpoint-names.ts";

type Action =
  | { readonly do: "off" }
  | { readonly do: "error"; readonly text: string }
  | { readonly do: "delay"; readonly ms: number }
  | { readonly do: "exit"; readonly code: number }
  | { readonly do: "abort" } // this process dies as by an uncaught exception
  | { readonly do: "kill" } // this process is SIGKILLed
  | { readonly do: "killparent" }; // the process that called us is SIGKILLed; we go on

interface Term {
  readonly times: number;
  readonly action: Action;
}

/** LABHOST_FAILPOINTS cannot be understood. */
export class FailpointSyntaxError extends Error {
  constructor(problem: string) {
    super(`LABHOST_FAILPOINTS: ${problem}`);
  }
}

/** Raised by an `error(text)` term; the command turns it into its own way of failing at that place. */
export class FailpointError extends Error {}

export interface Failpoints {
  /** Does what the configuration says for this place; without any, returns at once. */
  hit(point: string): Promise<void>;
}

/** Throws FailpointSyntaxError, also for a place there is not: misspelt, it would silently do nothing. */
export function parseFailpoints(text: string, countDirectory: string): Failpoints {
  const points = new Map<string, readonly Term[]>();
  for (const entry of text.split(";")) {
    const trimmed = entry.trim();
    if (trimmed === "") continue;
    const equals = trimmed.indexOf("=");
    if (equals <= 0) throw new FailpointSyntaxError(`no "=" in "${trimmed}"`);
    const point = trimmed.slice(0, equals).trim();
    if (!FAILPOINTS.has(point)) throw new FailpointSyntaxError(unknownPoint(point));
    points.set(
      point,
      trimmed
        .slice(equals + 1)
        .split("->")
        .map((t) => parseTerm(t.trim())),
    );
  }
  return {
    async hit(point) {
      const terms = points.get(point);
      if (!terms) return;
      const action = pick(terms, countHit(countDirectory, point));
      await perform(action, point);
    },
  };
}

function unknownPoint(point: string): string {
  const near = suggest(point, FAILPOINTS);
  return `no place "${point}"${near === undefined ? "" : `; did you mean "${near}"?`}`;
}

function parseTerm(text: string): Term {
  const match = /^(?:(\d+)\*)?([a-z]+)(?:\((.*)\))?$/.exec(text);
  if (!match) throw new FailpointSyntaxError(`cannot read "${text}"`);
  const times = match[1] === undefined ? Infinity : Number(match[1]);
  const argument = match[3] ?? "";
  switch (match[2]) {
    case "off":
    case "abort":
    case "kill":
    case "killparent":
      return { times, action: { do: match[2] } };
    case "error":
      return { times, action: { do: "error", text: argument } };
    case "delay":
      return { times, action: { do: "delay", ms: wholeNumber(argument, text) } };
    case "exit":
      return { times, action: { do: "exit", code: wholeNumber(argument, text) } };
    default:
      throw new FailpointSyntaxError(`unknown action in "${text}"`);
  }
}

function wholeNumber(argument: string, term: string): number {
  if (!/^\d+$/.test(argument)) throw new FailpointSyntaxError(`"${term}" needs a number in its parentheses`);
  return Number(argument);
}

function pick(terms: readonly Term[], hit: number): Action {
  let left = hit;
  for (const term of terms) {
    if (left < term.times) return term.action;
    left -= term.times;
  }
  return { do: "off" };
}

/** The how-manieth hit of a point this is, counted from 0: the length of a file that grows by one byte a hit. */
function countHit(directory: string, point: string): number {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, point);
  appendFileSync(file, ".");
  return statSync(file).size - 1;
}

async function perform(action: Action, point: string): Promise<void> {
  switch (action.do) {
    case "off":
      return;
    case "delay":
      await sleep(action.ms);
      return;
    case "error":
      throw new FailpointError(action.text === "" ? `failpoint ${point}` : action.text);
    case "exit":
      process.exit(action.code);
      break;
    case "abort":
      process.abort();
      break;
    case "kill":
      process.kill(process.pid, "SIGKILL");
      await sleep(1000);
      return;
    case "killparent":
      killCaller();
      return;
  }
}

/** The caller is our parent; the wrapper scripts exec, so no shell stands between. */
function killCaller(): void {
  try {
    process.kill(process.ppid, "SIGKILL");
  } catch {
    // It is gone already, which is what was wanted.
  }
}
