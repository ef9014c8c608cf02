// A command that somebody talks to: its streams are connected for as long as it lives, in both directions.
//
// Nobody may outlive the conversation. The command is ended with us, however we end (child-guard.ts).
import { execa, type Options } from "execa";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { guardChild } from "./child-guard.ts";
import { CommandError, type CommandFailure } from "./errors.ts";
import { keepTerminal } from "./terminal-state.ts";

export interface SessionCommand {
  /** Absolute path of the executable. */
  readonly path: string;
  readonly args: readonly string[];
  /** `terminal`: our own stdin, a terminal, is the command's; it stays in our process group to hear of resizes. */
  readonly stdin: "pipe" | "ignore" | "terminal";
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface SessionEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

export interface CommandSession {
  readonly pid: number | undefined;
  /** Ending it closes the command's stdin only. Undefined unless `stdin` is `pipe`. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The command itself is gone; others may still hold its streams open. */
  readonly exited: Promise<unknown>;
  /** How it ended, once its streams have been read to their ends. Rejects only where it could not be started. */
  readonly ended: Promise<SessionEnd>;
  /** A signal to the command alone. */
  kill(signal: NodeJS.Signals): void;
  /** TERM to the command and its children, KILL after five seconds. Repeating it does nothing. */
  stop(): void;
}

const KILL_AFTER_MS = 5_000;

export function openSession(command: SessionCommand, env: Readonly<Record<string, string>>): CommandSession {
  const terminal = command.stdin === "terminal";
  const common = {
    env: { ...env, ...command.env },
    extendEnv: false,
    cwd: "/",
    cleanup: false,
  } as const satisfies Options;
  const started = performance.now();
  const giveTerminalBack = terminal ? keepTerminal(env) : undefined;
  const child = execa(command.path, command.args, {
    ...common,
    stdin: terminal ? "inherit" : command.stdin,
    stdout: "pipe",
    stderr: "pipe",
    buffer: false,
    reject: false,
    // A group of its own, so that Ctrl-C is ours to interpret, and one signal reaches the command's children.
    detached: !terminal,
  });
  const { pid } = child;
  const target = pid === undefined ? undefined : terminal ? pid : -pid;
  const letGo = target === undefined ? undefined : guardChild(target, { ...env, ...command.env });

  const send = (to: number | undefined, signal: NodeJS.Signals): void => {
    if (to === undefined) return;
    try {
      process.kill(to, signal);
    } catch {
      // It has ended.
    }
  };
  const exited = Promise.race([once(child.nodeChildProcess, "exit"), child]);
  let over = false;
  let killer: NodeJS.Timeout | undefined;
  const ended = child.then((result): SessionEnd => {
    over = true;
    clearTimeout(killer);
    giveTerminalBack?.();
    letGo?.();
    if (result.failed && result.exitCode === undefined && result.signal === undefined)
      throw new CommandError(
        failureOf(result.code),
        {
          argv: [command.path],
          exitCode: undefined,
          signal: undefined,
          stdoutTail: "",
          stderrTail: "",
          durationMs: performance.now() - started,
        },
        result.cause,
      );
    return { exitCode: result.exitCode, signal: result.signal };
  });
  // Whoever asks learns of a failure; nobody asking is no crash.
  ended.catch(() => undefined);
  // What the command no longer wants to read is its business.
  child.stdin?.on("error", () => undefined);
  return {
    pid,
    stdin: child.stdin ?? undefined,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    ended,
    kill: (signal) => {
      if (!over) send(pid, signal);
    },
    stop: () => {
      if (over || killer !== undefined) return;
      send(target, "SIGTERM");
      killer = setTimeout(() => send(target, "SIGKILL"), KILL_AFTER_MS);
    },
  };
}

function failureOf(code: string | undefined): CommandFailure {
  return code === "ENOENT" || code === "EACCES" ? "missing" : "exit";
}
