// info
import { Option, type Command } from "commander";
import { API_VERSION } from "../daemon/api.ts";
import { createDaemonClient } from "../daemon/client.ts";
import { hasCode } from "../errors/agent-error.ts";
import { gatherInfo, type Info } from "../introspect/info.ts";
import { formatBytes } from "../util/units.ts";
import { parseFormat, type CliContext } from "./context.ts";
import { formatData, formatTable, type OutputFormat } from "./output.ts";

export function addInfoCommand(program: Command, context: CliContext): void {
  program
    .command("info")
    .description("tell what this node and this program can do, their limits, and how long calls take")
    .addOption(new Option("-o, --output <format>", "table, json or yaml").argParser(parseFormat).default("table"))
    .action(async (options: { output: OutputFormat }) => {
      const info = await ask(context);
      await context.output.out(options.output === "table" ? describe(info) : formatData(info, options.output));
    });
}

/** The daemon's figures are about everything it did; without one they are about this one command. */
async function ask(context: CliContext): Promise<Info> {
  const agent = context.agent();
  const { signal } = context.interrupts;
  try {
    return await createDaemonClient(agent.host.paths.socket).info(signal);
  } catch (error) {
    if (!hasCode(error, "DAEMON_UNREACHABLE", "API_UNKNOWN")) throw error;
    return gatherInfo({ ...agent, version: context.version, api: [API_VERSION] }, signal);
  }
}

function describe(info: Info): string {
  const { node, capabilities, latencies, limits } = info;
  const rows: [string, string][] = [
    ["version", `${info.version} (${node.javascript}), interface ${info.api.join(", ")}`],
    ["node", `${node.hostname ?? "?"}${node.uuid === undefined ? "" : ` (${node.uuid})`}`],
    ["platform", `${node.platform ?? "unknown"}, ${node.kind === "lab" ? `lab host in ${node.root}` : "SmartOS"}`],
    ["booted", node.bootedAt ?? "unknown"],
    ["reads", info.specs.join(", ")],
    ["dialects", info.dialects.join(", ")],
    ["log drivers", capabilities.logDrivers.map(({ name, usable }) => (usable ? name : `(${name})`)).join(", ")],
    ["terminals", capabilities.pty ? "own and inherited" : "inherited only: node-pty is not here"],
    ["layers", capabilities.zstd ? "plain, gzip, zstd" : "plain, gzip"],
    ["snapshots", capabilities.snapshots ? "yes" : "no"],
    ["restart", capabilities.restart.join(", ")],
    ["Linux version", capabilities.lxKernel],
    ...Object.entries(limits).map(([name, value]): [string, string] => [
      "limit",
      `${name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`).replace(/ bytes$/, "")}: ${name.endsWith("Bytes") ? formatBytes(value) : value}`,
    ]),
    ...info.problems.map(({ about, error }): [string, string] => ["unknown", `${about}: ${error.message}`]),
  ];
  const width = Math.max(...rows.map(([key]) => key.length)) + 2;
  const facts = rows.map(([key, value]) => `${key.padEnd(width)}${value}\n`).join("");
  const calls = Object.entries(latencies).map(([name, one]) => [
    name,
    String(one.count),
    String(one.failed),
    `${one.p50Ms} ms`,
    `${one.p95Ms} ms`,
    `${one.maxMs} ms`,
  ]);
  return `${facts}\n${formatTable(["CALL", "COUNT", "FAILED", "P50", "P95", "MAX"], calls)}`;
}
