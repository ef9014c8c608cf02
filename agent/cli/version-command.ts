import type { Command } from "commander";
import { hasCode } from "../errors/agent-error.ts";
import { parseFormat, type CliContext } from "./context.ts";
import { formatData, type OutputFormat } from "./output.ts";

export function addVersionCommand(program: Command, context: CliContext): void {
  program
    .command("version")
    .description("show the version and the host it would work on")
    .option("-o, --output <format>", "table, json or yaml", parseFormat, "table")
    .action(async (options: { output: OutputFormat }) => {
      const facts = {
        version: context.version,
        node: process.versions.node,
        platform: `${process.platform}/${process.arch}`,
        host: host(context),
      };
      const text =
        options.output === "table"
          ? Object.entries(facts)
              .map(([key, value]) => `${key.padEnd(10)}${value}\n`)
              .join("")
          : formatData(facts, options.output);
      await context.output.out(text);
    });
}

/** Without a host the version is still worth knowing. */
function host(context: CliContext): string {
  try {
    const { config } = context.agent();
    return config.host.lab ? `lab host in ${config.host.root}` : "SmartOS";
  } catch (error) {
    if (hasCode(error, "HOST_UNSUPPORTED")) return "none";
    throw error;
  }
}
