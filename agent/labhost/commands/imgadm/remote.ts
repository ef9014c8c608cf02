// The subcommands that talk to image servers, in a lab without network: sources are never reached, so nothing is ever
// found there (imgadm.md 3.2, 3.5, 3.9). What imgadm decides before it asks a source is as on the platform.
import type { CommandContext } from "../../command.ts";
import { loadConfig, sourcesOf } from "./config.ts";
import { ImgadmError, usageError } from "./errors.ts";
import { HELP, parseOptions, POOL_OPTION, TABLE_OPTIONS } from "./options.ts";
import { parseFilter } from "./fields.ts";
import { loadImages } from "./state.ts";

async function requireSources(context: CommandContext): Promise<void> {
  if (sourcesOf(await loadConfig(context.lab)).length === 0)
    throw new ImgadmError("NoSources", "imgadm has no configured sources");
}

function oneOperand(operands: readonly string[]): string {
  const [only] = operands;
  if (only === undefined || operands.length !== 1)
    throw usageError(`incorrect number of args (${operands.length}): "${operands.join(" ")}"`);
  return only;
}

/** No source is reached and none is reported as failing: an empty answer. */
export async function avail(context: CommandContext, args: readonly string[]): Promise<number> {
  const options = parseOptions(args, [HELP, ...TABLE_OPTIONS]);
  options.operands.forEach(parseFilter);
  await requireSources(context);
  if (options.has("-j")) context.out("[]\n");
  return 0;
}

export async function show(context: CommandContext, args: readonly string[]): Promise<number> {
  const reference = oneOperand(parseOptions(args, [HELP]).operands);
  await requireSources(context);
  throw new ImgadmError("ImageNotFound", `image "${reference}" was not found`);
}

export async function importCommand(context: CommandContext, args: readonly string[]): Promise<number> {
  const options = parseOptions(args, [
    HELP,
    POOL_OPTION,
    { names: ["-q"] },
    { names: ["-C", "--channel"], takesValue: true },
    { names: ["-S", "--source"], takesValue: true },
    { names: ["--zstream"] },
  ]);
  const reference = oneOperand(options.operands);
  const pool = options.value("-P") ?? "zones";
  const installed = (await loadImages(context.lab)).find(
    (image) => image.zpool === pool && image.manifest.uuid === reference,
  );
  if (installed) {
    const { uuid, name, version } = installed.manifest;
    const title = typeof name === "string" ? `${uuid} (${name} ${String(version)})` : uuid;
    context.out(`Image ${title} is already installed, skipping\n`);
    return 0;
  }
  if (options.values("-S").length === 0) await requireSources(context);
  throw new ImgadmError("ActiveImageNotFound", `an active image "${reference}" was not found in image sources`);
}

export async function update(context: CommandContext, args: readonly string[]): Promise<number> {
  const options = parseOptions(args, [HELP, { names: ["-n"] }]);
  const images = await loadImages(context.lab);
  const unknown = options.operands.filter((uuid) => !images.some((image) => image.manifest.uuid === uuid));
  if (unknown.length > 0) throw usageError(`no installed image with the given UUID(s): ${unknown.join(", ")}`);
  await requireSources(context);
  for (const { manifest } of images) {
    const wanted = options.operands.length === 0 || options.operands.includes(manifest.uuid);
    if (wanted && manifest["type"] !== "docker")
      context.out(`warning: Could not find image ${manifest.uuid} in image sources (skipping)\n`);
  }
  return 0;
}

/** Making an image of a VM means sending a zfs stream, which this host cannot. */
export function create(): Promise<number> {
  return Promise.reject(
    new ImgadmError(
      "InternalError",
      "the lab host has no zfs to send images with: imgadm create works on SmartOS only",
    ),
  );
}

export function publish(): Promise<number> {
  return Promise.reject(
    new ImgadmError("ClientError", "the lab host has no network: imgadm publish works on SmartOS only"),
  );
}
