// system df: what images, containers and logs take of the disk.
import type { Command } from "commander";
import { datasetSizes } from "../host/dataset-sizes.ts";
import { zoneLogBytes } from "../logs/janitor.ts";
import { containerName } from "../zones/find.ts";
import { formatBytes } from "../util/units.ts";
import { addTidyCommand } from "./system-tidy.ts";
import { parseFormat, type CliContext } from "./context.ts";
import { formatData, formatTable, type OutputFormat } from "./output.ts";

interface ContainerUsage {
  readonly name: string;
  readonly uuid: string;
  readonly bytes: number;
  readonly logBytes: number;
}

export function addSystemCommands(program: Command, context: CliContext): void {
  const system = program.command("system").description("the node as a whole");
  addTidyCommand(system, context);
  system
    .command("df")
    .description("show what images, containers and logs take of the disk (source: zfs)")
    .option("-v, --verbose", "each image and container", false)
    .option("-o, --output <format>", "table, json or yaml", parseFormat, "table")
    .action(async (options: { verbose: boolean; output: OutputFormat }) => {
      const { images, config, host } = context.agent();
      const { signal } = context.interrupts;
      const usage = await images.usage({ signal });
      const containers = await containerUsage(context, await datasetSizes(host, config.host.pool, signal));
      if (options.output !== "table") {
        await context.output.out(formatData({ images: usage, containers }, options.output));
        return;
      }
      const sum = (key: "bytes" | "logBytes"): number => containers.reduce((bytes, each) => bytes + each[key], 0);
      const active = usage.images.filter((image) => image.containers > 0).length;
      await context.output.out(
        formatTable(
          ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"],
          [
            row("Images", usage.images.length, active, usage.bytes, usage.reclaimableBytes),
            row("Images of others", undefined, undefined, usage.foreignBytes, undefined),
            row("Containers", containers.length, undefined, sum("bytes"), undefined),
            row("Logs", containers.length, undefined, sum("logBytes"), undefined),
            row("Kept for save", undefined, undefined, usage.savedBlobBytes, undefined),
            row("Interrupted pulls", undefined, undefined, usage.interruptedBytes, usage.interruptedBytes),
          ],
        ),
      );
      if (!options.verbose) return;
      await context.output.out("\n");
      await context.output.out(
        formatTable(
          ["IMAGE", "UUID", "SIZE", "SHARED", "UNIQUE", "CONTAINERS"],
          usage.images.map((image) => [
            image.reference ?? image.config,
            image.imageUuid,
            formatBytes(image.bytes),
            formatBytes(image.sharedBytes),
            formatBytes(image.bytes - image.sharedBytes),
            String(image.containers),
          ]),
        ),
      );
      await context.output.out("\n");
      await context.output.out(
        formatTable(
          ["CONTAINER", "UUID", "SIZE", "LOGS"],
          containers.map(({ name, uuid, bytes, logBytes }) => [name, uuid, formatBytes(bytes), formatBytes(logBytes)]),
        ),
      );
    });
}

function row(
  type: string,
  total: number | undefined,
  active: number | undefined,
  bytes: number,
  reclaimable: number | undefined,
): string[] {
  const optional = (value: number | undefined): string => (value === undefined ? "-" : String(value));
  return [
    type,
    optional(total),
    optional(active),
    formatBytes(bytes),
    reclaimable === undefined ? "-" : formatBytes(reclaimable),
  ];
}

async function containerUsage(
  context: CliContext,
  sizes: Awaited<ReturnType<typeof datasetSizes>>,
): Promise<readonly ContainerUsage[]> {
  const { containers, host } = context.agent();
  const usage: ContainerUsage[] = [];
  for (const vm of await containers.list({ signal: context.interrupts.signal })) {
    const dataset = vm.zonepath.replace(/^\//, "");
    usage.push({
      name: containerName(vm),
      uuid: vm.uuid,
      bytes: sizes.get(dataset)?.used ?? 0,
      logBytes: await zoneLogBytes(host.paths, vm),
    });
  }
  return usage;
}
