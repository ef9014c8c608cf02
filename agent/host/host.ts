// The host as the layers above see it: where its commands and files are, and the funnel that runs the commands.
import type { CommandResult, CommandRunner, HostCommand, LineStream } from "../exec/command.ts";
import type { CommandSession, SessionCommand } from "../exec/session.ts";
import type { TerminalCommand, TerminalSession } from "../exec/terminal.ts";
import { binaryPath, type HostBinary } from "./binaries.ts";
import { hostPaths, type HostPaths } from "./paths.ts";

export type Invocation = Omit<HostCommand, "path">;

export interface Host {
  readonly paths: HostPaths;
  run(binary: HostBinary, invocation: Invocation): Promise<CommandResult>;
  lines(binary: HostBinary, invocation: Pick<Invocation, "args" | "env" | "signal" | "onSpawn">): LineStream;
  /** Starts a command to be talked to; it ends when we do. */
  open(binary: HostBinary, invocation: Omit<SessionCommand, "path">): CommandSession;
  /** The same on a pseudo terminal; undefined where node has none. */
  openTerminal(binary: HostBinary, invocation: Omit<TerminalCommand, "path">): Promise<TerminalSession | undefined>;
}

export interface HostOptions {
  readonly root: string;
  readonly binDirs: readonly string[];
  readonly runner: CommandRunner;
}

export function createHost({ root, binDirs, runner }: HostOptions): Host {
  return {
    paths: hostPaths(root),
    run: (binary, invocation) => runner.run({ ...invocation, path: binaryPath(binary, binDirs) }),
    lines: (binary, invocation) => runner.lines({ ...invocation, path: binaryPath(binary, binDirs) }),
    openTerminal: (binary, invocation) => runner.openTerminal({ ...invocation, path: binaryPath(binary, binDirs) }),
    open: (binary, invocation) => runner.open({ ...invocation, path: binaryPath(binary, binDirs) }),
  };
}
