// What can be asked of the funnel (`run.ts`), and what comes of it.
import type { CommandFailure } from "./errors.ts";
import type { CommandSession, SessionCommand } from "./session.ts";
import type { TerminalCommand, TerminalSession } from "./terminal.ts";

export interface HostCommand {
  /** Absolute path of the executable, from the registry in `host/binaries.ts`. */
  readonly path: string;
  readonly args: readonly string[];
  /** Given on stdin, which is closed afterwards. Without it stdin is empty. Never put secrets in `args`. */
  readonly input?: string | Uint8Array;
  /** Milliseconds after which we stop waiting. A mutating command is left running; others are ended, TERM then KILL. */
  readonly timeoutMs: number;
  /** True where killing it half-way could leave the host half-changed. */
  readonly mutates: boolean;
  readonly signal?: AbortSignal | undefined;
  /**
   * Bytes of stdout and of stderr kept; more is an error ("output-limit"), for a mutating command after it has ended.
   * Default 64 MiB: `vmadm lookup -j` of a full node.
   */
  readonly maxBuffer?: number;
  /** Bytes of each stream's end that an error keeps. Default 64 KiB. */
  readonly tail?: number;
  /** Variables for this command alone, on top of the runner's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Called with the child's pid before anything is awaited. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
  /** Called once when the child has ended or could not be started, also after we stopped waiting for it. */
  readonly onExit?: (() => void) | undefined;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface CommandRunner {
  /** Resolves on exit 0; otherwise rejects with {@link CommandError}, which keeps argv, status and both tails. */
  run(command: HostCommand): Promise<CommandResult>;
  /** Starts a command that prints lines until it is ended, and yields them. See {@link LineStream}. */
  lines(command: Omit<HostCommand, "input" | "timeoutMs" | "mutates" | "maxBuffer" | "tail" | "onExit">): LineStream;
  /** Starts a command to be talked to. See {@link CommandSession}. */
  open(command: SessionCommand): CommandSession;
  /** Starts a command on a pseudo terminal; undefined where there are none. See {@link TerminalSession}. */
  openTerminal(command: TerminalCommand): Promise<TerminalSession | undefined>;
}

export interface LineStream extends AsyncIterable<string>, AsyncDisposable {
  readonly pid: number | undefined;
  /** Ends the child; the iteration finishes. Repeating it does nothing. */
  stop(): void;
}

export interface CommandTrace {
  readonly argv: readonly string[];
  readonly durationMs: number;
  readonly exitCode: number | undefined;
  readonly failure?: CommandFailure;
}

export interface CommandRunnerOptions {
  /** The whole environment of every command; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly onDone?: (trace: CommandTrace) => void;
}
