// `zonelet`: argv in, exit status out. The only place that ends the process, and where signals arrive.
import { constants } from "node:os";
import { text } from "node:stream/consumers";
import { createAgent, type Agent } from "./app.ts";
import { AgentError } from "./errors/agent-error.ts";
import { fromUnknown, toWire } from "./errors/chain.ts";
import { installInterrupts } from "./cli/interrupts.ts";
import { createOutput } from "./cli/output.ts";
import { formatError } from "./cli/format-error.ts";
import { runProgram } from "./cli/program.ts";
import { nodeTooOld } from "./util/node-version.ts";

declare const ZONELET_VERSION: string | undefined;
const version = typeof ZONELET_VERSION === "string" ? ZONELET_VERSION : "0.0.0-source";

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY)
    throw new AgentError("USAGE", "will not read a spec from a terminal", { hint: "give a file, or pipe one in" });
  return text(process.stdin);
}

const argv = process.argv.slice(2);
const output = createOutput(process.stdout, process.stderr, { noColor: (process.env["NO_COLOR"] ?? "") !== "" });
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

let agent: Agent | undefined;
let status: number;
try {
  const tooOld = nodeTooOld();
  if (tooOld !== undefined) throw new AgentError("HOST_UNSUPPORTED", tooOld);
  status = await runProgram(argv, {
    output,
    interrupts: installInterrupts(process, (signal) => process.exit(128 + constants.signals[signal])),
    version,
    cwd: process.cwd(),
    variables: Object.fromEntries(
      Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
    readStdin,
    formatError,
    agent: (options) => (agent ??= createAgent(options)),
  });
} catch (error) {
  const failure = fromUnknown(error);
  const machine =
    argv.some((word, i) => word === "json" && /^(-o|--output)$/.test(argv[i - 1] ?? "")) ||
    argv.includes("--output=json");
  await output.err(machine ? `${JSON.stringify({ error: toWire(failure) })}\n` : `${formatError(failure)}\n`);
  // Our own bugs show where they are; everything else, unknown words of the platform included, has said what a person needs.
  if (failure.code === "INTERNAL" && failure.cause instanceof Error) await output.err(`${failure.cause.stack ?? ""}\n`);
  status = failure.exitStatus;
}
await output.flush();
process.exit(status);
