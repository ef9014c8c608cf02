// One command line, from argv to the exit status: what main.ts starts once the node is known to be new enough.
import { constants } from "node:os";
import { text } from "node:stream/consumers";
import { createAgent, type Agent } from "./app.ts";
import { AgentError } from "./errors/agent-error.ts";
import { fromUnknown, toWire } from "./errors/chain.ts";
import { installInterrupts } from "./cli/interrupts.ts";
import { createInput } from "./cli/input.ts";
import { createOutput } from "./cli/output.ts";
import { formatError } from "./cli/format-error.ts";
import { promptLine } from "./cli/prompt.ts";
import { runProgram } from "./cli/program.ts";

declare const ZONELET_VERSION: string | undefined;
const version = typeof ZONELET_VERSION === "string" ? ZONELET_VERSION : "0.0.0-source";

async function readStdin(stdin: NodeJS.Process["stdin"]): Promise<string> {
  if (stdin.isTTY)
    throw new AgentError("USAGE", "will not read from a terminal", { hint: "give a file, or pipe one in" });
  return text(stdin);
}

/** Runs the program in `host`, the process, whose signals and streams it takes. Resolves to the exit status. */
export async function start(host: NodeJS.Process): Promise<number> {
  const argv = host.argv.slice(2);
  const output = createOutput(host.stdout, host.stderr, { noColor: (host.env["NO_COLOR"] ?? "") !== "" });
  host.stdout.on("error", () => undefined);
  host.stderr.on("error", () => undefined);

  let agent: Agent | undefined;
  let status: number;
  try {
    status = await runProgram(argv, {
      output,
      input: createInput(host),
      interrupts: installInterrupts(host, (signal) => host.exit(128 + constants.signals[signal])),
      version,
      cwd: host.cwd(),
      variables: Object.fromEntries(
        Object.entries(host.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      ),
      readStdin: () => readStdin(host.stdin),
      prompt: (question, options) => promptLine(host.stdin, host.stderr, question, options),
      formatError,
      agent: (options) => (agent ??= createAgent(options)),
      freshAgent: createAgent,
    });
  } catch (error) {
    const failure = fromUnknown(error);
    const machine =
      argv.some((word, i) => /^(json|docker)$/.test(word) && /^(-o|--output)$/.test(argv[i - 1] ?? "")) ||
      argv.some((word) => /^--output=(json|docker)$/.test(word));
    await output.err(machine ? `${JSON.stringify({ error: toWire(failure) })}\n` : `${formatError(failure)}\n`);
    // Our own bugs show where they are; everything else, unknown words of the platform included, has said what a person needs.
    if (failure.code === "INTERNAL" && failure.cause instanceof Error)
      await output.err(`${failure.cause.stack ?? ""}\n`);
    status = failure.exitStatus;
  }
  await output.flush();
  return status;
}
