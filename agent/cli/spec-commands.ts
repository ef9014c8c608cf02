// validate and explain
import { Option, type Command } from "commander";
import { lintRawManifest } from "../spec/lint.ts";
import type { SpecFormat } from "../spec/formats/format.ts";
import { newZoneUuid } from "../util/ids.ts";
import { refusedPayload } from "../zones/refused-payload.ts";
import type { CliContext } from "./context.ts";
import { parseFormat } from "./context.ts";
import { asksForField, explainField } from "./explain-field.ts";
import { formatData, formatTable, type OutputFormat } from "./output.ts";
import { imageReference, planFor } from "./plan.ts";
import { formatWarning } from "./warnings.ts";
import { addSpecOptions, formatOption, readDocuments, readFileDocuments, type SpecOptions } from "./spec-options.ts";

export function addSpecCommands(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  program
    .command("validate")
    .description("check specs and manifests: syntax, values, and what vmadm says of the result")
    .argument("<file...>", '"-" reads stdin')
    .addOption(formatOption())
    .option("--strict", "treat warnings as errors", false)
    .action(async (files: string[], options: { strict: boolean; format?: SpecFormat }) => {
      let failed = false;
      for (const file of files) {
        try {
          failed = (await validateFile(context, file, options.format)) && options.strict ? true : failed;
        } catch (error) {
          failed = true;
          await context.output.err(`${context.formatError(error)}\n`);
        }
      }
      if (failed) setStatus(2);
    });

  addSpecOptions(program.command("explain"))
    .description("show each value of the resulting manifest and where it comes from")
    .addOption(new Option("-o, --output <format>", "table, json or yaml").argParser(parseFormat).default("table"))
    .addHelpText("after", '\n"explain spec" lists the fields of a container spec, "explain spec.memory" explains one.')
    .action(async (image: string | undefined, args: string[], options: SpecOptions & { output: OutputFormat }) => {
      if (options.file === undefined && asksForField(image)) {
        await context.output.out(explainField(image, options.output));
        return;
      }
      for (const document of await readDocuments(context, image, args, options)) {
        const plan = planFor(context, document, {
          pull: "never",
          name: options.name,
          quiet: true,
          autoRemove: options.rm ?? false,
          addUser: options.addUser ?? false,
        });
        const prepared = plan.prepare(await plan.image(), newZoneUuid());
        if (options.output !== "table") {
          const rows = prepared.origins.map(({ path, from, why }) => ({ path, from, why }));
          await context.output.out(formatData(rows, options.output));
          continue;
        }
        const rows = prepared.origins.map((o) => [o.path, valueAt(prepared.manifest, o.path), o.from, o.why]);
        await context.output.out(formatTable(["PROPERTY", "VALUE", "FROM", "WHY"], rows));
        for (const warning of prepared.warnings) await context.output.err(`warning: ${formatWarning(warning)}\n`);
      }
    });
}

/** Prints the verdict on each document; resolves to whether there were warnings. Problems are raised. */
async function validateFile(context: CliContext, file: string, format: SpecFormat | undefined): Promise<boolean> {
  const documents = await readFileDocuments(context, file, format);
  let warned = false;
  for (const document of documents) {
    const plan = planFor(context, document, { pull: "never", quiet: true, autoRemove: false });
    const reference = imageReference(document);
    const { images, vmadm } = context.agent();
    const image = await images.find(reference, { signal: context.interrupts.signal });
    if (!image) {
      const warnings =
        document.format === "manifest"
          ? lintRawManifest(document.manifest, document.source)
          : (document.converted?.warnings ?? []);
      for (const warning of warnings) await context.output.err(`warning: ${formatWarning(warning)}\n`);
      warned ||= warnings.length > 0;
      await context.output.out(
        `${file}: ${plan.name} reads well; image ${reference} is not here, so vmadm was not asked\n`,
      );
      continue;
    }
    const prepared = plan.prepare(image, newZoneUuid());
    for (const warning of prepared.warnings) {
      warned = true;
      await context.output.err(`warning: ${formatWarning(warning)}\n`);
    }
    const failure = await vmadm.validateCreate(prepared.manifest, { signal: context.interrupts.signal });
    if (failure)
      throw refusedPayload(`${file}: ${plan.name}`, failure, prepared.origins, "the lines are those it came from");
    await context.output.out(`${file}: ${plan.name} is valid\n`);
  }
  return warned;
}

const VALUE_WIDTH = 60;
const SECRET_PATH = /docker:env$/;

/** The value at a dotted path of the manifest, in one line; environments may hold secrets and are only counted. */
function valueAt(manifest: unknown, path: string): string {
  let value: unknown = manifest;
  const steps = path.startsWith("internal_metadata.")
    ? ["internal_metadata", path.slice("internal_metadata.".length)]
    : path.startsWith("tags.")
      ? ["tags", path.slice("tags.".length)]
      : path.split(".");
  for (const step of steps)
    value =
      typeof value === "object" && value !== null
        ? Object.entries(value).find(([key]) => key === step)?.[1]
        : undefined;
  if (SECRET_PATH.test(path)) return "(see inspect --show-secrets)";
  const text = typeof value === "string" ? value : value === undefined ? "-" : JSON.stringify(value);
  return text.length > VALUE_WIDTH ? `${text.slice(0, VALUE_WIDTH - 1)}…` : text;
}
