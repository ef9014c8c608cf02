// What every subcommand gets: the agent (made on first use), the output, and the user's wish to stop.
import type { Agent } from "../app.ts";
import type { LatencyTable } from "../util/latency-table.ts";
import { AgentError } from "../errors/agent-error.ts";
import type { Readable } from "node:stream";
import type { Output, OutputFormat } from "./output.ts";

export interface Interrupts {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, unless a foreground container takes the signals. */
  readonly signal: AbortSignal;
  /** From now on signals go to `handler` instead. Returns how to give them back. */
  take(handler: (signal: NodeJS.Signals) => void): () => void;
}

/** The program's stdin; nothing is read before `stream` is taken. */
export interface Input {
  readonly isTerminal: boolean;
  readonly stream: Readable;
  /**
   * Keys go as they are typed to whoever reads them. Returns how to give the terminal back as it was; does nothing where
   * stdin is none.
   */
  raw(): () => void;
  /** Size of the terminal people look at. */
  size(): { readonly columns: number; readonly rows: number };
  /** Calls back whenever that size has changed. Returns how to stop it. */
  onResize(changed: () => void): () => void;
}

export interface CliContext {
  readonly input: Input;
  readonly output: Output;
  readonly interrupts: Interrupts;
  readonly version: string;
  /** Reads the configuration the first time it is called. */
  agent(): Agent;
  /** Reads the configuration anew each time; for the daemon, whose log is read by nobody at the moment it is written. */
  freshAgent(options: { readonly defaultLevel: "info"; readonly latencies?: LatencyTable }): Agent;
  /** Text of stdin, for `-f -`. */
  readStdin(): Promise<string>;
  /** A line a person types at the terminal; hidden: without echo. USAGE where there is no terminal. */
  prompt(question: string, options: { readonly hidden: boolean }): Promise<string>;
  readonly cwd: string;
  /** The caller's environment, for `-e NAME` and the interpolation of Compose files; never handed to host commands. */
  readonly variables: Readonly<Record<string, string>>;
  formatError(error: unknown): string;
}

export function parseFormat(text: string): OutputFormat {
  if (text === "json" || text === "yaml" || text === "table") return text;
  throw new AgentError("USAGE", `unknown output format "${text}"`, { hint: "use table, json or yaml" });
}

/** One of a few words given to an option. */
export function oneOf<T extends string>(what: string, words: readonly T[]) {
  return (text: string): T => {
    const word = words.find((known) => known === text);
    if (word === undefined)
      throw new AgentError("USAGE", `unknown ${what} "${text}"`, { hint: `use ${alternatives(words)}` });
    return word;
  };
}

function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}

/** A non-negative whole number given to an option. */
export function parseCount(option: string) {
  return (text: string): number => {
    if (!/^\d{1,9}$/.test(text)) throw new AgentError("USAGE", `${option} takes a whole number, not "${text}"`);
    return Number(text);
  };
}

/** Tells on stderr what is being waited for. */
export function waitNotice(context: CliContext): (what: string) => void {
  return (what) => void context.output.err(`waiting: ${what}\n`);
}
