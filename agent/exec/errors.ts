import { AgentError } from "../errors/agent-error.ts";

export type CommandFailure =
  | "missing" // no such executable
  | "exit" // ran and exited non-zero
  | "signal" // killed by a signal that was not ours
  | "timeout"
  | "aborted"
  | "output-limit";

export interface CommandOutcome {
  readonly argv: readonly string[];
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The end of the stream, 64 KiB unless the command asked for more. */
  readonly stdoutTail: string;
  readonly stderrTail: string;
  readonly durationMs: number;
}

/** A host command that did not end with exit 0. Callers classify it (`classify.ts`); its text never reaches a wire reply unclassified. */
export class CommandError extends AgentError {
  readonly failure: CommandFailure;
  readonly outcome: CommandOutcome;

  constructor(failure: CommandFailure, outcome: CommandOutcome, cause?: unknown) {
    const program = outcome.argv[0] ?? "?";
    const told = describe(failure, outcome);
    const code =
      failure === "missing"
        ? "HOST_COMMAND_MISSING"
        : failure === "timeout"
          ? "DEADLINE"
          : failure === "aborted"
            ? "CANCELLED"
            : "HOST_COMMAND_FAILED";
    super(code, `${program} ${told}`, { cause });
    this.failure = failure;
    this.outcome = outcome;
  }

  /** The last line of stderr that says something: by convention of the platform's tools, the message. */
  get lastStderrLine(): string {
    return lastLine(this.outcome.stderrTail);
  }
}

function describe(failure: CommandFailure, outcome: CommandOutcome): string {
  switch (failure) {
    case "missing":
      return "is not installed";
    case "exit":
      return `exited ${outcome.exitCode ?? "?"}: ${lastLine(outcome.stderrTail) || lastLine(outcome.stdoutTail) || "without a word"}`;
    case "signal":
      return `was killed by ${outcome.signal ?? "a signal"}`;
    case "timeout":
      return `did not end within its deadline (${Math.round(outcome.durationMs)} ms)`;
    case "aborted":
      return "was given up";
    case "output-limit":
      return "printed more than its limit";
  }
}

/** Characters of a line worth telling: some tools put megabytes of another tool's output into one. */
const LONGEST_LINE = 1000;

function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.at(-1)?.trim().slice(0, LONGEST_LINE) ?? "";
}
