// Another name for an image that is here.
import { AgentError } from "../errors/agent-error.ts";
import { chooseImages } from "./choose-images.ts";
import type { ImageRecord, PullOptions } from "./images.ts";
import { parseReference } from "./reference.ts";
import type { RemoveContext } from "./remove-image.ts";

/** Repeating it changes nothing. IMAGE_NOT_FOUND, IMAGE_NOT_OURS, IMAGE_REFERENCE_INVALID. */
export async function tagImage(
  context: RemoveContext,
  source: string,
  target: string,
  { signal }: PullOptions,
): Promise<ImageRecord> {
  const { canonical, digest } = parseReference(target);
  if (digest !== undefined)
    throw new AgentError("IMAGE_REFERENCE_INVALID", `"${target}" cannot be given to an image: a digest is no name`, {
      hint: "write NAME:TAG",
    });
  const [chosen] = await chooseImages(context, [source], signal);
  if (chosen === undefined) throw new AgentError("IMAGE_NOT_FOUND", `no image "${source}" on this node`);
  return await context.records.remember({ ...chosen.record, references: [canonical] }, context.locks, signal);
}
