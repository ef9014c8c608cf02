// The one funnel for host commands; nothing outside this directory starts a process or imports execa.
//
// argv arrays only, an environment of our own, cwd `/`, no inherited descriptors. A command that changes the host runs
// in a process group of its own and is never killed half-way: an abort or a dying agent leaves it to finish, and
// recovery observes what came of it (style: "stopping the service never kills a half-done create"). For the same
// reason such a command writes into files instead of pipes: a pipe whose reader is gone would end it at its next word.
import { execa, ExecaError, type Options } from "execa";
import { guardChild } from "./child-guard.ts";
import type { CommandResult, CommandRunner, CommandRunnerOptions, HostCommand, LineStream } from "./command.ts";
import { CommandError, type CommandFailure, type CommandOutcome } from "./errors.ts";
import { openSession } from "./session.ts";
import { openTerminal } from "./terminal.ts";
import { openSpool } from "./spool.ts";

const MAX_OUTPUT = 64 * 1024 * 1024;
const TAIL = 64 * 1024;
const KILL_AFTER_MS = 5_000;

export function createCommandRunner({ env, onDone }: CommandRunnerOptions): CommandRunner {
  const common = (command: Pick<HostCommand, "env">) =>
    ({
      env: { ...env, ...command.env },
      extendEnv: false,
      cwd: "/",
      stripFinalNewline: false,
      cleanup: false,
    }) as const satisfies Options;

  async function run(command: HostCommand): Promise<CommandResult> {
    const argv = [command.path, ...command.args];
    const started = performance.now();
    try {
      if (command.signal?.aborted) {
        command.onExit?.();
        throw failed("aborted", { argv }, 0, command.signal.reason);
      }
      const output = await (command.mutates ? change(command, argv) : read(command, argv));
      const durationMs = performance.now() - started;
      onDone?.({ argv, durationMs, exitCode: 0 });
      return { ...output, durationMs };
    } catch (error) {
      if (error instanceof CommandError)
        onDone?.({
          argv,
          durationMs: performance.now() - started,
          exitCode: error.outcome.exitCode,
          failure: error.failure,
        });
      throw error;
    }
  }

  /** A command that may be ended at any time; its children are ended with it, because they may hold its pipes open. */
  async function read(command: HostCommand, argv: readonly string[]): Promise<Output> {
    const started = performance.now();
    const child = execa(command.path, command.args, {
      ...common(command),
      ...stdin(command),
      maxBuffer: command.maxBuffer ?? MAX_OUTPUT,
      detached: true,
    });
    const { pid } = child;
    const limit = command.tail ?? TAIL;
    if (pid !== undefined) command.onSpawn?.(pid);
    let endedBy: CommandFailure | undefined;
    const killers: NodeJS.Timeout[] = [];
    const end = (why: CommandFailure) => (): void => {
      if (pid === undefined || endedBy !== undefined) return;
      endedBy = why;
      killGroup(pid, "SIGTERM");
      killers.push(setTimeout(() => killGroup(pid, "SIGKILL"), KILL_AFTER_MS));
    };
    killers.push(setTimeout(end("timeout"), command.timeoutMs));
    const onAbort = end("aborted");
    command.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const { stdout, stderr } = await child;
      return { stdout, stderr };
    } catch (error) {
      if (!isExecaError(error)) throw error;
      const known = { argv, stdout: text(error.stdout).slice(-limit), stderr: text(error.stderr).slice(-limit) };
      const durationMs = performance.now() - started;
      if (endedBy === undefined) throw fromExeca(error, known, durationMs);
      throw failed(endedBy, { ...known, signal: error.signal }, durationMs, command.signal?.reason);
    } finally {
      killers.forEach(clearTimeout);
      command.signal?.removeEventListener("abort", onAbort);
      command.onExit?.();
    }
  }

  /** A command that is never ended by us: its deadline and the caller's abort only end our waiting for it. */
  async function change(command: HostCommand, argv: readonly string[]): Promise<Output> {
    const started = performance.now();
    const limit = command.maxBuffer ?? MAX_OUTPUT;
    const stdout = openSpool();
    const stderr = openSpool();
    const tails = (): Output => ({
      stdout: stdout.read(command.tail ?? TAIL),
      stderr: stderr.read(command.tail ?? TAIL),
    });
    const child = execa(command.path, command.args, {
      ...common(command),
      ...stdin(command),
      stdout: stdout.stream,
      stderr: stderr.stream,
      buffer: false,
      detached: true,
    });
    if (child.pid !== undefined) command.onSpawn?.(child.pid);

    const ended = child.then(
      () => {
        if (stdout.size <= limit && stderr.size <= limit)
          return { stdout: stdout.read(limit), stderr: stderr.read(limit) };
        throw failed("output-limit", { argv, exitCode: 0, ...tails() }, performance.now() - started);
      },
      (error: unknown) => {
        if (!isExecaError(error)) throw error;
        throw fromExeca(error, { argv, ...tails() }, performance.now() - started);
      },
    );
    const cleaned = ended.finally(() => {
      stdout.close();
      stderr.close();
      command.onExit?.();
    });

    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = (failure: CommandFailure) => (): void => {
      // The child must not keep a process alive whose user has gone.
      child.nodeChildProcess.unref();
      reject(failed(failure, { argv, ...tails() }, performance.now() - started, command.signal?.reason));
    };
    const timer = setTimeout(giveUp("timeout"), command.timeoutMs);
    const onAbort = giveUp("aborted");
    command.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([cleaned, given]);
    } finally {
      clearTimeout(timer);
      command.signal?.removeEventListener("abort", onAbort);
      // Nobody listens any more after giving up; how the command ended is then found out by looking at the host.
      cleaned.catch(() => undefined);
    }
  }

  function lines(command: Parameters<CommandRunner["lines"]>[0]): LineStream {
    const argv = [command.path, ...command.args];
    const child = execa(command.path, command.args, {
      ...common(command),
      // A group of its own: Ctrl-C at a terminal reaches every process of ours, and only we know what it means.
      detached: true,
      stdin: "ignore",
      buffer: false,
      reject: false,
      forceKillAfterDelay: KILL_AFTER_MS,
      ...(command.signal ? { cancelSignal: command.signal } : {}),
    });
    if (child.pid !== undefined) command.onSpawn?.(child.pid);
    const end = (): void => {
      if (child.pid !== undefined) killGroup(child.pid, "SIGTERM");
    };
    process.once("exit", end);
    const letGo = child.pid === undefined ? undefined : guardChild(-child.pid, env);
    void child.finally(() => {
      process.removeListener("exit", end);
      letGo?.();
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = (stderr + chunk).slice(-TAIL);
    });
    let stopped = false;
    const stop = (): void => {
      if (stopped) return;
      stopped = true;
      child.kill();
    };
    const started = performance.now();
    async function* iterate(): AsyncGenerator<string> {
      for await (const line of child.iterable({ from: "stdout", preserveNewlines: false })) {
        let consumed = false;
        try {
          yield line;
          consumed = true;
        } finally {
          // execa waits for the child when its iterator is left early, so the child has to be told first.
          if (!consumed) stop();
        }
      }
      const result = await child;
      if (stopped || !result.failed) return;
      const { exitCode, signal } = result;
      throw failed(reason(result), { argv, exitCode, signal, stderr }, performance.now() - started, result.cause);
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

  return {
    run,
    lines,
    open: (command) => openSession(command, env),
    openTerminal: (command) => openTerminal(command, env),
  };
}

/** Without the `any` of execa's type parameter. */
function isExecaError(error: unknown): error is ExecaError {
  return error instanceof ExecaError;
}

type Output = Pick<CommandResult, "stdout" | "stderr">;

function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody of the group is left.
  }
}

function stdin(command: HostCommand): { stdin: "ignore" } | { input: string | Uint8Array } {
  return command.input === undefined ? { stdin: "ignore" } : { input: command.input };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function fromExeca(error: ExecaError, known: Output & { argv: readonly string[] }, durationMs: number): CommandError {
  const { exitCode, signal } = error;
  const failure = reason(error);
  const told = failure === "missing" ? error.cause : undefined;
  return failed(failure, { ...known, exitCode, signal }, durationMs, told);
}

function reason(error: {
  isCanceled: boolean;
  isMaxBuffer: boolean;
  isTerminated: boolean;
  code?: string | undefined;
}): CommandFailure {
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
    exitCode?: number | undefined;
    signal?: string | undefined;
    stdout?: string;
    stderr?: string;
  },
  durationMs: number,
  cause?: unknown,
): CommandError {
  const outcome: CommandOutcome = {
    argv: raw.argv,
    exitCode: raw.exitCode,
    signal: raw.signal,
    stdoutTail: raw.stdout ?? "",
    stderrTail: raw.stderr ?? "",
    durationMs,
  };
  return new CommandError(failure, outcome, cause);
}
