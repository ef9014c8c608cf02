// pull, load, images, rmi
import type { Command } from "commander";
import { formatBytes } from "../util/units.ts";
import { parseFormat, type CliContext } from "./context.ts";
import { formatData, formatTable, humanAge } from "./output.ts";
import { pullProgress } from "./progress.ts";

export function addImageCommands(program: Command, context: CliContext): void {
  program
    .command("pull")
    .description("fetch an image from its registry and install it")
    .argument("<reference>", "image, e.g. nginx:1.27 or registry.example.com:5000/team/app@sha256:…")
    .option("-q, --quiet", "print the image id only", false)
    .action(async (reference: string, options: { quiet: boolean }) => {
      using progress = pullProgress(context.output, { interactive: interactive(context), quiet: options.quiet });
      const record = await context
        .agent()
        .images.pull(reference, { signal: context.interrupts.signal, onProgress: progress.onProgress });
      progress[Symbol.dispose]();
      await context.output.out(`${record.config}\n`);
    });

  program
    .command("load")
    .description("install the images of an archive (OCI layout or docker save)")
    .requiredOption("-i, --input <file>", "the archive")
    .option("-q, --quiet", "print the image ids only", false)
    .action(async (options: { input: string; quiet: boolean }) => {
      using progress = pullProgress(context.output, { interactive: interactive(context), quiet: options.quiet });
      const records = await context
        .agent()
        .images.load(options.input, { signal: context.interrupts.signal, onProgress: progress.onProgress });
      progress[Symbol.dispose]();
      for (const record of records) {
        const name = record.references.at(-1);
        await context.output.out(options.quiet ? `${record.config}\n` : `loaded ${name ?? record.config}\n`);
      }
    });

  program
    .command("images")
    .description("list the images this node has")
    .option("-q, --quiet", "print image ids only", false)
    .option("--no-trunc", "do not shorten ids")
    .option("-o, --output <format>", "table, json or yaml", parseFormat, "table")
    .action(async (options: { quiet: boolean; trunc: boolean; output: ReturnType<typeof parseFormat> }) => {
      const images = await context.agent().images.list({ signal: context.interrupts.signal });
      if (options.output !== "table") {
        await context.output.out(formatData(images, options.output));
        return;
      }
      const id = (image: (typeof images)[number]): string => {
        const whole = image.config ?? image.imageUuid;
        return options.trunc ? whole.replace("sha256:", "").slice(0, 12) : whole;
      };
      if (options.quiet) {
        await context.output.out(images.map((image) => `${id(image)}\n`).join(""));
        return;
      }
      const now = Date.now();
      const rows = images.map((image) => [
        image.reference ?? "<none>",
        id(image),
        image.imageUuid,
        image.createdAt === undefined ? "-" : `${humanAge(now - Date.parse(image.createdAt))} ago`,
        image.size === undefined ? "-" : formatBytes(image.size),
        image.ours ? "zonelet" : (image.type ?? "other"),
      ]);
      await context.output.out(formatTable(["IMAGE", "ID", "UUID", "CREATED", "SIZE", "FROM"], rows));
    });

  program
    .command("rmi")
    .description("remove images by name or id")
    .argument("<reference...>")
    .action(async (references: string[]) => {
      for (const reference of references) {
        const removed = await context.agent().images.remove(reference, { signal: context.interrupts.signal });
        for (const name of removed.untagged) await context.output.out(`untagged ${name}\n`);
        for (const image of removed.deleted) await context.output.out(`deleted ${image}\n`);
        if (removed.kept) await context.output.err("its layers stay: something still uses them\n");
      }
    });
}

export function interactive(context: CliContext): boolean {
  return context.output.errIsTerminal;
}
