// The command line: options that hold for all subcommands, and the subcommands from their files.
import { Command, CommanderError, Help } from "commander";
import type { Agent, AgentOptions } from "../app.ts";
import { AgentError } from "../errors/agent-error.ts";
import { addApplyCommand } from "./apply-command.ts";
import { addAttachCommand } from "./attach-commands.ts";
import { addDeleteCommand } from "./delete-command.ts";
import { addContainerCommands } from "./container-commands.ts";
import { addConvertCommand } from "./convert-command.ts";
import type { CliContext } from "./context.ts";
import { addExecCommands } from "./exec-commands.ts";
import { addCopyCommand, addExportCommand } from "./copy-command.ts";
import { addProcessCommands } from "./process-commands.ts";
import { addStatsCommand } from "./stats-command.ts";
import { addDaemonCommands } from "./daemon-commands.ts";
import { addEventsCommand } from "./events-command.ts";
import { addHealthCommand } from "./health-commands.ts";
import { addInspectCommand } from "./inspect-command.ts";
import { addPsCommand } from "./ps-command.ts";
import { addRenameCommand } from "./rename-command.ts";
import { addImageCommands } from "./images-commands.ts";
import { addLogsCommand } from "./logs-command.ts";
import { addPackageCommands } from "./package-commands.ts";
import { addRegistryCommands } from "./registry-commands.ts";
import { addRunCommands } from "./run-commands.ts";
import { addInfoCommand } from "./info-command.ts";
import { addSnapshotCommands } from "./snapshot-commands.ts";
import { addSystemCommands } from "./system-commands.ts";
import { addSpecCommands } from "./spec-commands.ts";
import { addTaskCommands } from "./task-commands.ts";
import { addVolumeCommands } from "./volume-commands.ts";
import { addVersionCommand } from "./version-command.ts";

export interface ProgramContext extends Omit<CliContext, "agent" | "freshAgent"> {
  /** The one agent of this command line; read and made the first time. */
  agent(options: AgentOptions): Agent;
  freshAgent(options: AgentOptions): Agent;
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** Runs one command line and resolves to the exit status; errors of the agent are thrown. */
export async function runProgram(argv: readonly string[], outer: ProgramContext): Promise<number> {
  let status = 0;
  const program = new Command("zonelet")
    .description("containers as LX-branded zones on SmartOS")
    .option("--config <file>", "configuration file (default: /opt/custom/etc/zonelet.yaml)")
    .option("--log-level <level>", `level of the log on stderr: ${LEVELS.join(", ")}`, parseLevel)
    .version(outer.version, "-V, --version", "show the version number")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void outer.output.out(text),
      writeErr: (text) => void outer.output.err(text),
      outputError: () => undefined, // told below, as all errors are
    })
    .configureHelp({
      optionDescription: (option) =>
        option.defaultValue === false ? option.description : new Help().optionDescription(option),
    });
  const agentOptions = (): AgentOptions => {
    const { config, logLevel } = program.opts<{ config?: string; logLevel?: (typeof LEVELS)[number] }>();
    return { ...(config === undefined ? {} : { file: config }), logLevel };
  };
  const context: CliContext = {
    ...outer,
    agent: () => outer.agent(agentOptions()),
    freshAgent: (options) => outer.freshAgent({ ...agentOptions(), ...options }),
  };
  const setStatus = (code: number): void => {
    status = code;
  };
  addRunCommands(program, context, setStatus);
  addPsCommand(program, context);
  addInspectCommand(program, context);
  addRenameCommand(program, context);
  addApplyCommand(program, context);
  addContainerCommands(program, context, setStatus);
  addAttachCommand(program, context, setStatus);
  addDeleteCommand(program, context);
  addLogsCommand(program, context);
  addHealthCommand(program, context, setStatus);
  addExecCommands(program, context, setStatus);
  addCopyCommand(program, context);
  addExportCommand(program, context);
  addProcessCommands(program, context);
  addStatsCommand(program, context);
  addImageCommands(program, context);
  addRegistryCommands(program, context);
  addSystemCommands(program, context);
  addVolumeCommands(program, context);
  addSpecCommands(program, context, setStatus);
  addConvertCommand(program, context);
  addPackageCommands(program, context);
  addDaemonCommands(program, context, setStatus);
  addEventsCommand(program, context);
  addSnapshotCommands(program, context);
  addTaskCommands(program, context, setStatus);
  addInfoCommand(program, context);
  addVersionCommand(program, context);
  inheritSettings(program);
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0; // help, version
    if (error.code === "commander.help") return 2; // no verb: the help was printed instead
    throw wrongUsage(program, argv, error);
  }
  return status;
}

/** Commander's complaint in our form; its suggestion, or where to read on, becomes the hint. */
function wrongUsage(program: Command, argv: readonly string[], error: CommanderError): AgentError {
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const verb = program.commands.find((command) => argv.includes(command.name()))?.name();
  return new AgentError("USAGE", message, {
    hint: suggestion?.replace(/^\((.*)\)$/, "$1") ?? `see "zonelet ${verb === undefined ? "" : `${verb} `}--help"`,
  });
}

/** Subcommands made before exitOverride() was set do not have it; all of them must report to us. */
function inheritSettings(program: Command): void {
  for (const command of program.commands) {
    command.copyInheritedSettings(program);
    inheritSettings(command);
  }
}

function parseLevel(text: string): (typeof LEVELS)[number] {
  const level = LEVELS.find((name) => name === text);
  if (!level) throw new AgentError("USAGE", `unknown log level "${text}"`, { hint: `use one of ${LEVELS.join(", ")}` });
  return level;
}
