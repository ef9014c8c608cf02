// The one funnel for host commands; nothing else in the agent starts a process, and nothing else imports execa.
//
// argv arrays only, an environment of our own, cwd `/`, no inherited descriptors. A command that changes the host runs
// in a process group of its own and is never killed half-way: an abort or a dying agent leaves it to finish, and
// recovery observes what came of it (style: "stopping the service never kills a half-done create").
import { execa, ExecaError, type Options } from "execa";
import { CommandError, type CommandFailure, type CommandOutcome } from "./errors.ts";

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
  /** Bytes of stdout and of stderr kept; more is an error ("output-limit"). Default 64 MiB: `vmadm lookup -j` of a full node. */
  readonly maxBuffer?: number;
  /** Called with the child's pid before anything is awaited. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
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
  lines(command: Omit<HostCommand, "input" | "timeoutMs" | "mutates" | "maxBuffer">): LineStream;
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

const TAIL = 64 * 1024;
const KILL_AFTER_MS = 5_000;

export function createCommandRunner({ env, onDone }: CommandRunnerOptions): CommandRunner {
  const common = { env, extendEnv: false, cwd: "/", stripFinalNewline: false, cleanup: false } satisfies Options;

  async function run(command: HostCommand): Promise<CommandResult> {
    const argv = [command.path, ...command.args];
    const started = performance.now();
    const done = (failure: CommandFailure | undefined, exitCode: number | undefined): number => {
      const durationMs = performance.now() - started;
      onDone?.({ argv, durationMs, exitCode, ...(failure ? { failure } : {}) });
      return durationMs;
    };
    if (command.signal?.aborted)
      throw failed("aborted", { argv, exitCode: undefined, signal: undefined, stdout: "", stderr: "" }, 0);

    const child = execa(command.path, command.args, {
      ...common,
      ...(command.input === undefined ? { stdin: "ignore" as const } : { input: command.input }),
      maxBuffer: command.maxBuffer ?? 64 * 1024 * 1024,
      detached: command.mutates,
      ...(command.mutates
        ? {}
        : {
            timeout: command.timeoutMs,
            forceKillAfterDelay: KILL_AFTER_MS,
            ...(command.signal ? { cancelSignal: command.signal } : {}),
          }),
    });
    if (child.pid !== undefined) command.onSpawn?.(child.pid);

    try {
      const result = await (command.mutates
        ? raceWithoutKilling(child, child.nodeChildProcess, command, argv, started)
        : child);
      return { stdout: result.stdout, stderr: result.stderr, durationMs: done(undefined, 0) };
    } catch (error) {
      if (error instanceof CommandError) {
        done(error.failure, error.outcome.exitCode);
        throw error;
      }
      if (!(error instanceof ExecaError)) throw error;
      const failure = reason(error);
      const durationMs = done(failure, error.exitCode);
      const text = (value: unknown): string => (typeof value === "string" ? value : "");
      throw failed(
        failure,
        {
          argv,
          exitCode: error.exitCode,
          signal: error.signal,
          stdout: text(error.stdout),
          stderr: text(error.stderr),
        },
        durationMs,
        failure === "missing" ? error : undefined,
      );
    }
  }

  function lines(command: Parameters<CommandRunner["lines"]>[0]): LineStream {
    const argv = [command.path, ...command.args];
    const child = execa(command.path, command.args, {
      ...common,
      stdin: "ignore",
      buffer: { stdout: false, stderr: true },
      maxBuffer: 1024 * 1024,
      reject: false,
      forceKillAfterDelay: KILL_AFTER_MS,
      ...(command.signal ? { cancelSignal: command.signal } : {}),
    });
    if (child.pid !== undefined) command.onSpawn?.(child.pid);
    let stopped = false;
    const stop = (): void => {
      if (stopped) return;
      stopped = true;
      child.kill();
    };
    const started = performance.now();
    async function* iterate(): AsyncGenerator<string> {
      try {
        for await (const line of child.iterable({ from: "stdout", preserveNewlines: false })) yield line;
        const result = await child;
        if (!stopped && result.failed) {
          const stderr = typeof result.stderr === "string" ? result.stderr : "";
          const failure: CommandFailure = result.isCanceled
            ? "aborted"
            : result.code === "ENOENT"
              ? "missing"
              : result.signal !== undefined
                ? "signal"
                : "exit";
          throw failed(
            failure,
            { argv, exitCode: result.exitCode, signal: result.signal, stdout: "", stderr },
            performance.now() - started,
          );
        }
      } finally {
        stop();
      }
    }
    return {
      pid: child.pid,
      stop,
      [Symbol.asyncIterator]: iterate,
      [Symbol.asyncDispose]: async () => {
        stop();
        await child;
      },
    };
  }

  return { run, lines };
}

/** Waits for a mutating command, its deadline or the caller's abort, whichever is first; the command itself runs on. */
async function raceWithoutKilling<T>(
  child: PromiseLike<T>,
  process: { unref(): void },
  command: HostCommand,
  argv: readonly string[],
  started: number,
): Promise<T> {
  const { promise: given, reject } = Promise.withResolvers<never>();
  const giveUp = (failure: CommandFailure) => (): void => {
    // The child must not keep a process alive whose user has gone.
    process.unref();
    const outcome = { argv, exitCode: undefined, signal: undefined, stdout: "", stderr: "" };
    reject(failed(failure, outcome, performance.now() - started, command.signal?.reason));
  };
  const timer = setTimeout(giveUp("timeout"), command.timeoutMs);
  const onAbort = giveUp("aborted");
  command.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([child, given]);
  } finally {
    clearTimeout(timer);
    command.signal?.removeEventListener("abort", onAbort);
    Promise.resolve(child).catch(() => undefined);
  }
}

function reason(
  error: Pick<ExecaError, "timedOut" | "isCanceled" | "isMaxBuffer" | "isTerminated" | "code">,
): CommandFailure {
  if (error.timedOut) return "timeout";
  if (error.isCanceled) return "aborted";
  if (error.isMaxBuffer) return "output-limit";
  if (error.code === "ENOENT" || error.code === "EACCES") return "missing";
  if (error.isTerminated) return "signal";
  return "exit";
}

function failed(
  failure: CommandFailure,
  raw: {
    argv: readonly string[];
    exitCode: number | undefined;
    signal: string | undefined;
    stdout: string;
    stderr: string;
  },
  durationMs: number,
  cause?: unknown,
): CommandError {
  const outcome: CommandOutcome = {
    argv: raw.argv,
    exitCode: raw.exitCode,
    signal: raw.signal,
    stdoutTail: raw.stdout.slice(-TAIL),
    stderrTail: raw.stderr.slice(-TAIL),
    durationMs,
  };
  return new CommandError(failure, outcome, cause);
}
