// Commands on a pseudo terminal of ours: for people whose own terminal is not the command's. The native module is optional
// (no build of it exists for SmartOS); it is loaded here only, and only when it is needed.
import type { SessionEnd } from "./session.ts";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface TerminalCommand {
  /** Absolute path of the executable. */
  readonly path: string;
  readonly args: readonly string[];
  readonly size: TerminalSize;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What the command writes, echo included. */
  readonly onData: (text: string) => void;
}

export interface TerminalSession {
  readonly pid: number;
  write(bytes: Buffer): void;
  resize(size: TerminalSize): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<SessionEnd>;
}

/**
 * Starts the command in a session of its own. It is hung up when we end, however we end. Resolves to undefined where the
 * machine has no pseudo terminals for node.
 */
export async function openTerminal(
  command: TerminalCommand,
  env: Readonly<Record<string, string>>,
): Promise<TerminalSession | undefined> {
  const pty = await import("node-pty").catch(() => undefined);
  if (pty === undefined) return undefined;
  const terminal = pty.spawn(command.path, [...command.args], {
    cols: command.size.columns,
    rows: command.size.rows,
    name: "xterm",
    cwd: "/",
    env: { ...env, ...command.env },
  });
  let over = false;
  terminal.onData(command.onData);
  const ended = new Promise<SessionEnd>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => {
      over = true;
      resolve({ exitCode, signal: signal === undefined || signal === 0 ? undefined : String(signal) });
    });
  });
  return {
    pid: terminal.pid,
    ended,
    write: (bytes) => {
      if (!over) terminal.write(bytes);
    },
    resize: ({ columns, rows }) => {
      if (!over && columns > 0 && rows > 0) terminal.resize(columns, rows);
    },
    kill: (signal) => {
      if (!over) process.kill(terminal.pid, signal);
    },
  };
}
