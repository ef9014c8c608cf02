// images, rmi, tag, history, image inspect, image prune
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import type { ImageListing, RunnableImage } from "../imgadm/images.ts";
import { formatBytes } from "../util/units.ts";
import { parseFormat, waitNotice, type CliContext } from "./context.ts";
import { filterImages } from "./image-filters.ts";
import { age, historyRow, imageDocument, imageHistory } from "./image-view.ts";
import { formatData, formatTable, type OutputFormat } from "./output.ts";

interface ListOptions {
  readonly all: boolean;
  readonly quiet: boolean;
  readonly trunc: boolean;
  readonly digests: boolean;
  readonly layers: boolean;
  readonly filter: readonly string[];
  readonly output: OutputFormat;
}

export function addImageList(parent: Command, context: CliContext, name: string): void {
  parent
    .command(name)
    .description("list the images this node has")
    .option("-a, --all", "also layers that are no image by themselves", false)
    .option("-q, --quiet", "print image ids only", false)
    .option("--no-trunc", "do not shorten ids")
    .option("--digests", "show digests of the manifests", false)
    .option("--layers", "show the layers and with how many other images they are shared", false)
    .option("--filter <key=value>", "dangling, reference, label, before or since; repeatable", collect, [])
    .option("-o, --output <format>", "table, json or yaml", parseFormat, "table")
    .action(async (options: ListOptions) => {
      const { images } = context.agent();
      const { signal } = context.interrupts;
      const listed = filterImages(await images.list({ signal }), options.filter);
      if (options.layers) await showLayers(context, listed, options);
      else await showImages(context, options.all ? [...listed, ...(await loneLayers(context))] : listed, options);
    });
}

async function showImages(context: CliContext, images: readonly ImageListing[], options: ListOptions): Promise<void> {
  const { output } = context;
  if (options.output !== "table") return output.out(formatData(images, options.output));
  const id = (image: ImageListing): string => shorten(image.config ?? image.imageUuid, options.trunc);
  if (options.quiet) return output.out([...new Set(images.map(id))].map((text) => `${text}\n`).join(""));
  const now = Date.now();
  const rows = images.map((image) => [
    image.reference ?? "<none>",
    ...(options.digests ? [image.manifest ?? "<none>"] : []),
    id(image),
    image.imageUuid,
    age(image.createdAt, now),
    image.size === undefined ? "-" : formatBytes(image.size),
    image.ours ? "zonelet" : (image.type ?? "other"),
  ]);
  const digest = options.digests ? ["DIGEST"] : [];
  await output.out(formatTable(["IMAGE", ...digest, "ID", "UUID", "CREATED", "SIZE", "FROM"], rows));
}

async function showLayers(context: CliContext, images: readonly ImageListing[], options: ListOptions): Promise<void> {
  const shown = new Set(images.map(({ config }) => config));
  const all = await context.agent().images.layers({ signal: context.interrupts.signal });
  const layers = all.filter(({ config }) => shown.has(config));
  if (options.output !== "table") return context.output.out(formatData(layers, options.output));
  if (options.quiet)
    return context.output.out([...new Set(layers.map(({ imageUuid }) => imageUuid))].map((id) => `${id}\n`).join(""));
  const rows = layers.map((layer) => [
    layer.reference ?? shorten(layer.config, options.trunc),
    shorten(layer.digest, options.trunc),
    layer.imageUuid,
    layer.size === undefined ? "-" : formatBytes(layer.size),
    layer.sharedWith === 0 ? "-" : `${layer.sharedWith} other${layer.sharedWith === 1 ? "" : "s"}`,
  ]);
  await context.output.out(formatTable(["IMAGE", "LAYER", "UUID", "SIZE", "SHARED WITH"], rows));
}

/** Lower layers, as `docker images -a` shows intermediate images: each dataset once. */
async function loneLayers(context: CliContext): Promise<readonly ImageListing[]> {
  const { images } = context.agent();
  const { signal } = context.interrupts;
  const tops = new Set((await images.list({ signal })).map(({ imageUuid }) => imageUuid));
  const layers = new Map((await images.layers({ signal })).map((layer) => [layer.imageUuid, layer]));
  return [...layers.values()]
    .filter(({ imageUuid }) => !tops.has(imageUuid))
    .map(({ imageUuid, size }) => ({
      reference: undefined,
      config: undefined,
      imageUuid,
      manifest: undefined,
      labels: {},
      size,
      createdAt: undefined,
      ours: true,
      type: "docker",
    }));
}

export function addImageRemove(parent: Command, context: CliContext, name: string): void {
  parent
    .command(name)
    .description("remove images by name or id")
    .argument("<reference...>")
    .option("-f, --force", "take the name off although containers use the image", false)
    .action(async (references: string[], options: { force: boolean }) => {
      for (const reference of references) {
        const removed = await context.agent().images.remove(reference, { force: options.force, ...patience(context) });
        for (const text of removed.untagged) await context.output.out(`untagged ${text}\n`);
        for (const image of removed.deleted) await context.output.out(`deleted ${image}\n`);
        if (removed.kept) await context.output.err("its layers stay: something still uses them\n");
      }
    });
}

export function addImageTag(parent: Command, context: CliContext): void {
  parent
    .command("tag")
    .description("give an image another name")
    .argument("<source>", "name or id of an image that is here")
    .argument("<target>", "the new name")
    .action(async (source: string, target: string) => {
      await context.agent().images.tag(source, target, patience(context));
    });
}

export function addImageHistory(parent: Command, context: CliContext): void {
  parent
    .command("history")
    .description("show the steps an image was made by, newest first")
    .argument("<image>")
    .option("-q, --quiet", "print ids only", false)
    .option("--no-trunc", "do not shorten ids and commands")
    .option("-o, --output <format>", "table, json or yaml", parseFormat, "table")
    .action(async (text: string, options: { quiet: boolean; trunc: boolean; output: OutputFormat }) => {
      const entries = imageHistory(await need(context, text));
      if (options.output !== "table") {
        await context.output.out(formatData(entries, options.output));
        return;
      }
      const rows = entries.map((entry) => historyRow(entry, { now: Date.now(), trunc: options.trunc }));
      if (options.quiet) await context.output.out(rows.map(([id = ""]) => `${id}\n`).join(""));
      else await context.output.out(formatTable(["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"], rows));
    });
}

export function addImageInspect(parent: Command, context: CliContext): void {
  parent
    .command("inspect")
    .description("show all about images, in Docker's shape")
    .argument("<image...>")
    .option("-o, --output <format>", "json or yaml", parseFormat, "json")
    .action(async (texts: string[], options: { output: OutputFormat }) => {
      const documents: object[] = [];
      for (const text of texts) documents.push(imageDocument(await need(context, text)));
      await context.output.out(formatData(documents, options.output === "yaml" ? "yaml" : "json"));
    });
}

export function addImagePrune(parent: Command, context: CliContext): void {
  parent
    .command("prune")
    .description("remove images without a name and what interrupted pulls left")
    .option("-a, --all", "also images no container is made of", false)
    .option("-f, --force", "do it; without it, only tell what would go", false)
    .option("--dry-run", "only tell what would go", false)
    .action(async (options: { all: boolean; force: boolean; dryRun: boolean }) => {
      if (options.force && options.dryRun) throw new AgentError("USAGE", "--force and --dry-run contradict each other");
      const dryRun = !options.force;
      const pruned = await context.agent().images.prune({ all: options.all, dryRun, ...patience(context) });
      const would = dryRun ? "would be " : "";
      for (const name of pruned.untagged) await context.output.out(`${would}untagged ${name}\n`);
      for (const image of pruned.deleted) await context.output.out(`${would}deleted ${image}\n`);
      await context.output.out(`${formatBytes(pruned.bytes)} ${dryRun ? "would be" : "were"} given back\n`);
      const nothing = pruned.bytes === 0 && pruned.deleted.length === 0 && pruned.untagged.length === 0;
      if (dryRun && !options.dryRun && !nothing)
        await context.output.err("nothing was removed: repeat it with -f to do so\n");
    });
}

async function need(context: CliContext, text: string): Promise<RunnableImage> {
  const image = await context.agent().images.find(text, { signal: context.interrupts.signal });
  if (image !== undefined) return image;
  throw new AgentError("IMAGE_NOT_FOUND", `no image "${text}" on this node`, { hint: `zonelet pull ${text}` });
}

/** What may take a while tells why, and can be stopped. */
function patience(context: CliContext): Parameters<ReturnType<CliContext["agent"]>["images"]["find"]>[1] {
  const notice = waitNotice(context);
  return {
    signal: context.interrupts.signal,
    onProgress: (event) => {
      if (event.type === "waiting") notice(event.what);
    },
  };
}

function shorten(id: string, trunc: boolean): string {
  return trunc ? id.replace("sha256:", "").slice(0, 12) : id;
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
