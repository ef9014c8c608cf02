// The imgadm emulation: imgadm 3.9.5 by imgadm.md, as far as a host without network can have it.
import { randomUUID } from "node:crypto";
import type { CommandContext, EmulatedCommand } from "../command.ts";
import { FailpointError } from "../failpoints.ts";
import { deleteCommand } from "./imgadm/delete.ts";
import { errorRecord, ImgadmCrash, ImgadmError } from "./imgadm/errors.ts";
import { install } from "./imgadm/install.ts";
import { list } from "./imgadm/list.ts";
import { ancestry, get } from "./imgadm/lookup.ts";
import { loadConfig } from "./imgadm/config.ts";
import { HELP, parseOptions } from "./imgadm/options.ts";
import { avail, create, importCommand, publish, show, update } from "./imgadm/remote.ts";
import { sources } from "./imgadm/sources.ts";
import { vacuum } from "./imgadm/vacuum.ts";

type Subcommand = (context: CommandContext, args: readonly string[]) => Promise<number>;

const VERSION = "3.9.5";

const subcommands: Readonly<Record<string, Subcommand>> = {
  list,
  get,
  info: get,
  ancestry,
  install,
  delete: deleteCommand,
  destroy: deleteCommand,
  vacuum,
  sources,
  avail,
  available: avail,
  show,
  import: importCommand,
  update,
  create,
  publish,
};

const USAGE = `Manage SmartOS virtual machine images.

Usage:
    imgadm [OPTIONS] COMMAND [ARGS...]
    imgadm help COMMAND

Options:
    -h, --help      Print this help and exit.
    --version       Print version and exit.
    -v, --verbose   Verbose: trace logging. See also: IMGADM_LOG_LEVEL=<level>
    -E              On error, emit a structured JSON error object as the last
                    line of stderr output.

Commands:
    sources, avail, show, import, install, list, get (info), ancestry,
    update, delete (destroy), vacuum, create, publish
`;

export const imgadm: EmulatedCommand = async (context) => {
  let subcommand: string | undefined;
  let structured = false;
  let verbose = ["debug", "trace"].includes(process.env["IMGADM_LOG_LEVEL"] ?? "");
  try {
    const options = parseOptions(
      context.args,
      [HELP, { names: ["--version"] }, { names: ["-v", "--verbose"] }, { names: ["-E"] }],
      { stopAtOperand: true },
    );
    structured = options.has("-E");
    verbose ||= options.has("-v");
    if (options.has("--version")) {
      context.out(`imgadm ${VERSION}\n`);
      return 0;
    }
    const [name, ...args] = options.operands;
    if (options.has("-h") || name === "help") {
      context.out(USAGE);
      return 0;
    }
    if (name === undefined) {
      context.out(USAGE);
      return 1;
    }
    const run = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
    if (!run) throw new ImgadmError("UnknownCommand", `unknown command: "${name}"`);
    subcommand = name;
    if (args.some((arg) => arg === "-h" || arg === "--help")) {
      context.out(USAGE);
      return 0;
    }
    await loadConfig(context.lab);
    return await run(context, args);
  } catch (error) {
    const failure = error instanceof FailpointError ? new ImgadmError("InternalError", error.message) : error;
    if (!(failure instanceof ImgadmError)) return crash(context, failure);
    context.err(structured ? `${bunyanError(failure)}\n` : errorLine(subcommand, failure, verbose));
    return failure.exitStatus;
  }
};

function errorLine(subcommand: string | undefined, { code, message, stack }: ImgadmError, verbose: boolean): string {
  const who = subcommand === undefined ? "imgadm" : `imgadm ${subcommand}`;
  return `${who}: error${code === undefined ? "" : ` (${code})`}: ${message}\n${verbose ? `\n${stack ?? ""}\n` : ""}`;
}

function bunyanError(error: ImgadmError): string {
  const requestId = process.env["REQ_ID"] ?? process.env["req_id"] ?? randomUUID();
  return errorRecord(error, {
    requestId,
    hostname: "gz",
    pid: process.pid,
    time: new Date().toISOString(),
  });
}

/**
 * Node 0.10 with --abort_on_uncaught_exception: a stack on stderr, then SIGABRT, no JSON even with -E (imgadm.md 1).
 * Errors nobody foresaw end here, too.
 */
function crash(context: CommandContext, error: unknown): never {
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const frames = stack.split("\n").filter((line) => line.startsWith("    at "));
  const title = error instanceof ImgadmCrash ? message : `${name}: ${message}`;
  context.err(`Uncaught ${title}\n\nFROM\n${frames.join("\n")}\n`);
  process.abort();
}
