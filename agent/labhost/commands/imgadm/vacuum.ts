// imgadm vacuum (imgadm.md 3.8): every image nobody uses goes, whole chains, and any bare dataset that looks like one.
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { CommandContext } from "../../command.ts";
import { deleteImage } from "./delete.ts";
import { ImgadmCrash, ImgadmError } from "./errors.ts";
import { HELP, parseOptions } from "./options.ts";
import { describe, loadImage, loadImages, type InstalledImage } from "./state.ts";

export async function vacuum(context: CommandContext, args: readonly string[]): Promise<number> {
  const options = parseOptions(args, [HELP, { names: ["-n", "--dry-run"] }, { names: ["-f", "--force"] }]);
  const doomed = planVacuum(await loadImages(context.lab));
  if (doomed.length === 0) return 0;
  if (!options.has("-f")) {
    context.out(`This will delete the following images:\n`);
    for (const image of doomed) context.out(`    ${describe(image.manifest)}\n`);
    const question = doomed.length === 1 ? "Delete this image?" : `Delete these ${doomed.length} images?`;
    if (!askOnTerminal(`${question} [y/N] `)) return 1;
  }
  for (const image of doomed) {
    if (options.has("-n")) {
      context.out(`[dry-run] Deleted image ${describe(image.manifest)}\n`);
      continue;
    }
    try {
      // Clones made since, and those `list` does not count, are found now.
      await deleteImage(context.lab, await loadImage(context.lab, image.zpool, image.manifest.uuid));
    } catch (error) {
      if (!(error instanceof ImgadmError)) throw error;
      context.err(`Error deleting image ${describe(image.manifest)}: ${error.message}\n`);
      return 1;
    }
    context.out(`Deleted image ${describe(image.manifest)}\n`);
  }
  return 0;
}

/** Images no listed clone uses, leaves before the origins they leave unused. */
export function planVacuum(images: readonly InstalledImage[]): InstalledImage[] {
  const doomed: InstalledImage[] = [];
  const gone = new Set<string>();
  for (;;) {
    const unused = images.filter(
      (image) => !gone.has(nameOf(image)) && image.cloneNames.every((clone) => gone.has(clone)),
    );
    if (unused.length === 0) return doomed;
    doomed.push(...unused);
    for (const image of unused) gone.add(nameOf(image));
  }
}

function nameOf(image: InstalledImage): string {
  return `${image.zpool}/${image.manifest.uuid}`;
}

/** Asked on /dev/tty, not on stdin; without a terminal imgadm crashes here, even with -n. */
function askOnTerminal(question: string): boolean {
  let terminal: number;
  try {
    terminal = openSync("/dev/tty", "r+");
  } catch {
    throw new ImgadmCrash("Error: ENXIO, open '/dev/tty'");
  }
  try {
    writeSync(terminal, question);
    const answer = Buffer.alloc(256);
    return /^y(?:es)?$/i.test(answer.toString("utf8", 0, readSync(terminal, answer)).trim());
  } finally {
    closeSync(terminal);
  }
}
