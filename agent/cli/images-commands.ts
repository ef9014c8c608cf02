// pull, load, save; and where the other verbs of images go
import type { Command } from "commander";
import { isRunnableName } from "../imgadm/oci/platform.ts";
import { AgentError } from "../errors/agent-error.ts";
import type { CliContext } from "./context.ts";
import {
  addImageHistory,
  addImageInspect,
  addImageList,
  addImagePrune,
  addImageRemove,
  addImageTag,
} from "./image-list-commands.ts";
import { pullProgress } from "./progress.ts";

/** Each verb at the top, as ever, and once more below `image`, as Docker has them. */
export function addImageCommands(program: Command, context: CliContext): void {
  const image = program.command("image").description("images: the same verbs, and those only images have");
  for (const parent of [program, image]) addTransferCommands(parent, context);
  addImageList(program, context, "images");
  addImageList(image, context, "ls");
  addImageRemove(program, context, "rmi");
  addImageRemove(image, context, "rm");
  addImageInspect(image, context);
  addImagePrune(image, context);
}

/** Verbs that are called the same in both places. */
function addTransferCommands(program: Command, context: CliContext): void {
  program
    .command("pull")
    .description("fetch an image from its registry and install it")
    .argument("<reference>", "image, e.g. nginx:1.27 or registry.example.com:5000/team/app@sha256:…")
    .option("-q, --quiet", "print the image id only", false)
    .option("--platform <platform>", "linux/amd64 is the only one a zone runs", checkPlatform)
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
    .description("install the images of an archive (OCI layout, packed or a directory, or docker save)")
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
    .command("save")
    .description("write images to an archive, with the digests they came with")
    .argument("<image...>")
    .requiredOption("-o, --output <file>", "the archive to write")
    .option("--format <format>", "oci, or docker-archive for `docker load`", parseArchiveFormat, "oci")
    .action(async (images: string[], options: { output: string; format: ArchiveFormat }) => {
      await context
        .agent()
        .images.save(options.output, images, { format: options.format, signal: context.interrupts.signal });
    });
  addImageTag(program, context);
  addImageHistory(program, context);
}

type ArchiveFormat = "oci" | "docker-archive";

function parseArchiveFormat(text: string): ArchiveFormat {
  if (text === "oci" || text === "docker-archive") return text;
  throw new AgentError("USAGE", `unknown archive format "${text}"`, { hint: "use oci or docker-archive" });
}

export function interactive(context: CliContext): boolean {
  return context.output.errIsTerminal;
}

function checkPlatform(text: string): string {
  if (isRunnableName(text)) return text;
  throw new AgentError("USAGE", `a zone cannot run ${text} images`, {
    hint: "linux/amd64 is the only platform there is",
  });
}
