// imgadm get and ancestry (imgadm.md 3.4).
import { datasetStore } from "../../datasets.ts";
import type { CommandContext } from "../../command.ts";
import { ImgadmError, usageError } from "./errors.ts";
import { HELP, parseOptions, POOL_OPTION, TABLE_OPTIONS } from "./options.ts";
import { loadImage, loadImages, UUID, type ImageInfo } from "./state.ts";
import { imageRow } from "./fields.ts";
import { formatTable, sortRows, splitList } from "./table.ts";

export function uuidOperand(operands: readonly string[]): string {
  const [uuid] = operands;
  if (operands.length !== 1 || uuid === undefined)
    throw usageError(`incorrect number of args (${operands.length}): "${operands.join(" ")}"`);
  if (!UUID.test(uuid)) throw new ImgadmError("InvalidUUID", `invalid uuid: "${uuid}"`);
  return uuid;
}

export async function get(context: CommandContext, args: readonly string[]): Promise<number> {
  const { lab } = context;
  const options = parseOptions(args, [HELP, POOL_OPTION, { names: ["-r"] }]);
  const pool = options.value("-P") ?? "zones";
  const uuid = uuidOperand(options.operands);
  await lab.failpoints.hit("imgadm.get.begin");
  const image = await loadImage(lab, pool, uuid);
  context.out(`${JSON.stringify(await shown(image, options.has("-r")), null, 2)}\n`);
  await lab.failpoints.hit("imgadm.get.end");
  return 0;

  async function shown(info: ImageInfo & { allClones: readonly string[] }, children: boolean): Promise<object> {
    const plain = plainInfo(info);
    if (!children) return plain;
    const datasets = await datasetStore(lab).list();
    const snapshots = datasets.filter((d) => d.name.startsWith(`${pool}/${uuid}@`)).map((d) => d.name);
    return { ...plain, children: { snapshots, clones: info.allClones } };
  }
}

/** What the JSON file holds, keys in their order. */
export function plainInfo(info: ImageInfo): ImageInfo {
  return {
    manifest: info.manifest,
    zpool: info.zpool,
    ...(info.source !== undefined && { source: info.source }),
  };
}

/** From the image to its base by `manifest.origin`, not by what zfs knows. */
export async function ancestry(context: CommandContext, args: readonly string[]): Promise<number> {
  const { lab } = context;
  const options = parseOptions(args, [HELP, POOL_OPTION, ...TABLE_OPTIONS]);
  const pool = options.value("-P") ?? "zones";
  const [uuid] = options.operands;
  if (options.operands.length !== 1)
    throw usageError(`incorrect number of args (${options.operands.length}): "${options.operands.join(" ")}"`);
  if (uuid === undefined || !UUID.test(uuid)) throw new ImgadmError(undefined, "uuid (uuid) is required");
  const chain = [await loadImage(lab, pool, uuid)];
  const images = await loadImages(lab);
  for (let origin = chain[0]?.manifest["origin"]; typeof origin === "string";) {
    const wanted = origin;
    const image = images.find((i) => i.zpool === pool && i.manifest.uuid === wanted);
    if (!image || chain.includes(image)) break;
    chain.push(image);
    origin = image.manifest["origin"];
  }
  if (options.has("-j")) {
    context.out(`${JSON.stringify(chain.map(plainInfo), null, 2)}\n`);
    return 0;
  }
  const columns = splitList(options.value("-o") ?? "uuid,name,version,published");
  const rows = chain.map(imageRow);
  const sort = options.value("-s");
  context.out(formatTable(columns, sort === undefined ? rows : sortRows(rows, splitList(sort)), !options.has("-H")));
  return 0;
}
