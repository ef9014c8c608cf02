// exec
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { parseEnvFile } from "../spec/env-file.ts";
import { specError } from "../spec/problem.ts";
import { execDetached, feed, openExec, type ExecEnd } from "../zones/exec.ts";
import type { CliContext } from "./context.ts";

interface ExecOptions {
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly user?: string;
  readonly workdir?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
}

export function addExecCommands(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  const many = (flags: string, text: string): Option =>
    new Option(flags, text).argParser((value: string, previous: readonly string[] | undefined) => [
      ...(previous ?? []),
      value,
    ]);

  program
    .command("exec")
    .description("run a command in a running container")
    .argument("<container>")
    .argument("<command...>")
    .option("-i, --interactive", "hand our stdin on", false)
    .option("-t, --tty", "give the command a terminal", false)
    .option("-d, --detach", "do not wait for it; its output goes nowhere", false)
    .option("-u, --user <user>", "root, or a user of the container; default: the container's own")
    .option("-w, --workdir <path>", "working directory")
    .addOption(many("-e, --env <K=V>", "variable; K alone takes the value of this environment"))
    .addOption(many("--env-file <file>", "file of K=V lines"))
    .passThroughOptions()
    .action(async (reference: string, argv: string[], options: ExecOptions) => {
      setStatus(await execute(context, reference, argv, options));
    });
}

async function execute(
  context: CliContext,
  reference: string,
  argv: readonly string[],
  options: ExecOptions,
): Promise<number> {
  const { containers, host } = context.agent();
  const { signal } = context.interrupts;
  if (options.detach && (options.tty || options.interactive))
    throw new AgentError("USAGE", "-d cannot be given together with -i or -t");
  if (options.tty && options.interactive && !context.input.isTerminal)
    throw new AgentError("USAGE", "-t needs a terminal as stdin", { hint: "leave -t out to pipe data in" });
  const env = await variables(context, options);
  const vm = await containers.find(reference, { signal });
  const request = { argv, user: options.user, workdir: options.workdir, env };
  if (options.detach) {
    const end = await execDetached(host, vm, request);
    await tellFailure(context, reference, end);
    return end.code;
  }
  const terminal = options.tty && context.input.isTerminal;
  const stdin = terminal ? "terminal" : options.interactive ? "pipe" : "none";
  const gone = new AbortController();
  const session = openExec(host, vm, request, { stdin, signal: AbortSignal.any([signal, gone.signal]) });
  if (session.stdin) void feed(context.input.stream, session.stdin);
  try {
    const end = await session.pump(async (stream, chunk) => {
      await (stream === "stdout" ? context.output.out(chunk) : context.output.err(chunk));
      if (context.output.gone) gone.abort();
    });
    await tellFailure(context, reference, end);
    return end.code;
  } catch (error) {
    // Nobody reads what the command writes: it goes as by SIGPIPE.
    if (gone.signal.aborted && !signal.aborted) return 141;
    throw error;
  }
}

async function tellFailure(context: CliContext, reference: string, { failure }: ExecEnd): Promise<void> {
  if (!failure) return;
  const meaning = failure.meaning ?? "it did not start";
  await context.output.err(`zonelet: exec in ${reference}: ${meaning}: ${failure.message}\n`);
}

async function variables(context: CliContext, options: ExecOptions): Promise<string[]> {
  const given = (entry: string): string[] => {
    if (entry.includes("=")) return [entry];
    const value = context.variables[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  };
  const entries: string[] = [];
  for (const file of options.envFile ?? []) {
    const parsed = parseEnvFile(await textOf(context, file), file);
    if (parsed.problems.length > 0) throw specError("SPEC_INVALID", parsed.problems);
    entries.push(...parsed.entries);
  }
  return [...entries, ...(options.env ?? []).flatMap(given)];
}

async function textOf(context: CliContext, file: string): Promise<string> {
  try {
    return await readFile(resolve(context.cwd, file), "utf8");
  } catch (error) {
    throw new AgentError("USAGE", `cannot read the env file ${file}`, { cause: error });
  }
}
