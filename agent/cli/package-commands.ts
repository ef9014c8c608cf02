// package ls
import { Option, type Command } from "commander";
import { formatBytes, MIB } from "../util/units.ts";
import { parseFormat, type CliContext } from "./context.ts";
import { formatData, formatTable, type OutputFormat } from "./output.ts";

export function addPackageCommands(program: Command, context: CliContext): void {
  const group = program.command("package").description("resource profiles of the configuration");
  group
    .command("ls")
    .description("list the packages a spec can name")
    .addOption(new Option("-o, --output <format>", "table, json or yaml").argParser(parseFormat).default("table"))
    .action(async ({ output }: { output: OutputFormat }) => {
      const { packages } = context.agent().config;
      if (output !== "table") {
        await context.output.out(formatData(packages, output));
        return;
      }
      const size = (mebibytes: number): string => formatBytes(mebibytes * MIB);
      const rows = packages.map((one) => [
        one.name,
        one.uuid,
        size(one.max_physical_memory),
        size(one.max_swap),
        one.cpu_cap === undefined ? "-" : String(one.cpu_cap / 100),
        String(one.fss ?? "-"),
        String(one.max_lwps ?? "-"),
        one.quota === 0 ? "unlimited" : size(one.quota),
        String(one.zfs_io_priority ?? "-"),
        one.active ? "yes" : "no",
      ]);
      const header = ["NAME", "UUID", "MEMORY", "SWAP", "CPUS", "SHARES", "THREADS", "DISK", "IO", "ACTIVE"];
      await context.output.out(formatTable(header, rows));
    });
}
