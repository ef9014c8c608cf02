// imgadm delete (imgadm.md 3.7). It takes no lock.
import type { CommandContext } from "../../command.ts";
import { datasetStore, ZfsError } from "../../datasets.ts";
import { ImgadmError } from "./errors.ts";
import { uuidOperand } from "./lookup.ts";
import { HELP, parseOptions, POOL_OPTION } from "./options.ts";
import { loadImage, removeImageInfo, type InstalledImage } from "./state.ts";
import type { Lab } from "../../lab.ts";

export async function deleteCommand(context: CommandContext, args: readonly string[]): Promise<number> {
  const options = parseOptions(args, [HELP, POOL_OPTION]);
  const uuid = uuidOperand(options.operands);
  await context.lab.failpoints.hit("imgadm.delete.begin");
  await deleteImage(context.lab, await loadImage(context.lab, options.value("-P") ?? "zones", uuid));
  await context.lab.failpoints.hit("imgadm.delete.end");
  context.out(`Deleted image ${uuid}\n`);
  return 0;
}

/** Refuses while anything at all is a clone of it, whatever its name. */
export async function deleteImage(lab: Lab, image: InstalledImage): Promise<void> {
  const { uuid } = image.manifest;
  const [first, ...others] = image.allClones;
  if (first !== undefined)
    throw new ImgadmError(
      "ImageHasDependentClones",
      `image "${uuid}" has dependent clones: ${first}${others.length > 0 ? ` and ${others.length} others...` : ""}`,
    );
  const name = `${image.zpool}/${uuid}`;
  await lab.failpoints.hit("imgadm.delete.destroy");
  try {
    await datasetStore(lab).destroy(name, { recursive: true });
  } catch (error) {
    if (!(error instanceof ZfsError)) throw error;
    throw new ImgadmError(
      "InternalError",
      `error deleting image "${uuid}":\n\targv: ${JSON.stringify(["/usr/sbin/zfs", "destroy", "-r", name])}\n` +
        `\texit status: 1\n\tstdout:\n\n\tstderr:\n${error.message}`,
    );
  }
  await lab.failpoints.hit("imgadm.delete.json");
  await removeImageInfo(lab, image.zpool, uuid);
}
