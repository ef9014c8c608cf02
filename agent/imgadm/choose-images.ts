// Which of our images somebody means who names several of them.
import { AgentError } from "../errors/agent-error.ts";
import { recordsNamed } from "./find-image.ts";
import type { ImageRecord } from "./images.ts";
import { parseReference } from "./reference.ts";
import { noSuchImage, type RemoveContext } from "./remove-image.ts";

export interface ChosenImage {
  readonly record: ImageRecord;
  /** Those it was asked for by; none for one named by its id, as docker does. */
  readonly names: readonly string[];
}

/** Each image once, in the order of the texts. IMAGE_NOT_FOUND, IMAGE_NOT_OURS, IMAGE_REFERENCE_INVALID. */
export async function chooseImages(
  context: Pick<RemoveContext, "imgadm" | "records">,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly ChosenImage[]> {
  const all = await context.records.all();
  const chosen = new Map<string, { record: ImageRecord; names: string[] }>();
  for (const text of texts) {
    const { matches, invalid } = recordsNamed(all, text);
    const record = matches.at(-1);
    if (record === undefined)
      throw await noSuchImage(context, text, invalid, "cannot be saved or tagged by it", signal);
    const image = chosen.get(record.config) ?? { record, names: [] };
    chosen.set(record.config, image);
    const name = nameIn(record, text);
    if (name !== undefined && !image.names.includes(name)) image.names.push(name);
  }
  if (chosen.size === 0) throw new AgentError("USAGE", "no image is named");
  return [...chosen.values()];
}

function nameIn(record: ImageRecord, text: string): string | undefined {
  return record.references.find((reference) => {
    try {
      return parseReference(text).canonical === reference;
    } catch {
      return false;
    }
  });
}
