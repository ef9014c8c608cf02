// convert: any input as a container spec, as vmadm's payload or as the body of a Docker create request
import { Option, type Command } from "commander";
import { stringify } from "yaml";
import { z } from "zod";
import type { Dialect } from "../docker-view/dialect.ts";
import { AgentError } from "../errors/agent-error.ts";
import { convertDocument } from "../spec/convert/convert.ts";
import type { SpecFormat } from "../spec/formats/format.ts";
import { parseSpecText } from "../spec/file.ts";
import { randomName } from "../spec/names.ts";
import { readText, type SpecDocument } from "../spec/read.ts";
import { translateOnNode } from "../sdc-docker/on-node.ts";
import { newZoneUuid } from "../util/ids.ts";
import type { ZoneManifest } from "../vmadm/schema.ts";
import { prepareRaw } from "../zoneinit/prepare-raw.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";
import { oneOf, type CliContext } from "./context.ts";
import { formatData } from "./output.ts";
import { imageReference, planFor } from "./plan.ts";
import { formatWarning } from "./warnings.ts";
import { formatOption, readFileDocuments } from "./spec-options.ts";

const FORMS = ["spec", "vmadm", "docker"] as const;
type Form = (typeof FORMS)[number];

interface ConvertOptions {
  readonly output: Form;
  readonly format?: SpecFormat;
  readonly dialect: Dialect;
}

export function addConvertCommand(program: Command, context: CliContext): void {
  program
    .command("convert")
    .description("write a file in another form; what the form cannot say is a warning on stderr")
    .argument("<file>", '"-" reads stdin')
    .addOption(
      new Option("-o, --output <form>", "spec (container spec, YAML), vmadm (payload) or docker (create request)")
        .choices([...FORMS])
        .makeOptionMandatory(),
    )
    .addOption(formatOption())
    .option(
      "--dialect <name>",
      "of a Docker create request: engine, or sdc as the Docker service of a Triton head node",
      oneOf<Dialect>("dialect", ["engine", "sdc"]),
      "engine",
    )
    .action(async (file: string, { output, format, dialect }: ConvertOptions) => {
      if (dialect === "sdc") {
        await context.output.out(await sdcPayload(context, file, output, format));
        return;
      }
      const texts: string[] = [];
      for (const document of await readFileDocuments(context, file, format)) {
        if (document.format === "container")
          for (const warning of document.converted?.warnings ?? [])
            await context.output.err(`warning: ${formatWarning(warning)}\n`);
        texts.push(output === "vmadm" ? await payload(context, document) : await otherForm(context, document, output));
      }
      await context.output.out(texts.join(output === "spec" ? "---\n" : ""));
    });
}

/** A create request as a head node would translate it; of its payload we write what vmadm reads. */
async function sdcPayload(
  context: CliContext,
  file: string,
  output: Form,
  format: SpecFormat | undefined,
): Promise<string> {
  if (output !== "vmadm" || (format !== undefined && format !== "docker-create"))
    throw new AgentError("USAGE", "--dialect sdc turns a Docker create request into vmadm's payload", {
      hint: "say -o vmadm",
    });
  const text = file === "-" ? await context.readStdin() : await readText(file);
  const [source, ...others] = parseSpecText(text, file === "-" ? "stdin" : file);
  if (source === undefined || others.length > 0)
    throw new AgentError("SPEC_INVALID", `${file}: there must be one create request`);
  const { images, config } = context.agent();
  const reference = z.object({ Image: z.string().min(1) }).safeParse(source.value).data?.Image;
  const image =
    reference === undefined ? undefined : await images.find(reference, { signal: context.interrupts.signal });
  const { vmadmPayload } = translateOnNode(
    {
      body: source.value,
      image: image && {
        uuid: image.imageUuid,
        os: image.configuration.os ?? "linux",
        id: image.record?.config,
        config: image.configuration.config ?? {},
      },
      newUuid: newZoneUuid,
      newName: randomName,
    },
    config,
  );
  return formatData(vmadmPayload, "json");
}

async function otherForm(context: CliContext, document: SpecDocument, form: "spec" | "docker"): Promise<string> {
  const { config } = context.agent();
  // Only a manifest is told apart from what its image would add.
  const image =
    document.format === "manifest"
      ? await context.agent().images.find(imageReference(document), { signal: context.interrupts.signal })
      : undefined;
  if (document.format === "manifest" && image === undefined)
    await warn(context, "", `image ${imageReference(document)} is not here: what it sets itself comes on top`);
  const { value, gaps } = convertDocument(document, form, {
    networks: config.networks,
    packages: config.packages,
    image: image?.configuration.config,
  });
  for (const { path, message } of gaps) await warn(context, path, message);
  return form === "spec" ? stringify(value, YAML) : formatData(value, "json");
}

/** Words that older YAML takes for booleans are quoted. */
const YAML = { aliasDuplicateObjects: false, compat: "yaml-1.1" } as const;

async function payload(context: CliContext, document: SpecDocument): Promise<string> {
  const prepared = await prepareHere(context, document);
  const told = document.format === "container" ? (document.converted?.warnings.length ?? 0) : 0;
  for (const warning of prepared.warnings.slice(told)) await context.output.err(`warning: ${formatWarning(warning)}\n`);
  const manifest: ZoneManifest = prepared.manifest;
  return formatData(manifest, "json");
}

/** A manifest that names its image by uuid needs nothing of it; everything else needs its uuid and what it says. */
async function prepareHere(context: CliContext, document: SpecDocument): Promise<PreparedZone> {
  const { images, config } = context.agent();
  const reference = imageReference(document);
  const image = await images.find(reference, { signal: context.interrupts.signal });
  if (image !== undefined) {
    const plan = planFor(context, document, { pull: "never", quiet: true, autoRemove: false });
    return plan.prepare(image, newZoneUuid());
  }
  if (document.format === "manifest" && document.manifest.image_uuid !== undefined)
    return prepareRaw(document, undefined, config);
  throw new AgentError(
    "IMAGE_NOT_FOUND",
    `image ${reference} is not on this node, and a payload holds its uuid and command`,
    {
      hint: `fetch it: zonelet pull ${reference}`,
    },
  );
}

async function warn(context: CliContext, path: string, message: string): Promise<void> {
  await context.output.err(`warning: ${path === "" ? "" : `${path}: `}${message}\n`);
}
