// Takes names off images and, with the last one, the layers nobody else needs, from the top down: an origin with
// children cannot be deleted, so every state in between is a smaller whole image (imgadm.md 9.2).
import { AgentError, hasCode } from "../errors/agent-error.ts";
import type { Logger } from "../log/logger.ts";
import { isDigest, isImageUuid, type ImageUuid } from "../util/ids.ts";
import { isNamed, recordsNamed, type ImageLookup } from "./find-image.ts";
import type { ImageLocks } from "./image-locks.ts";
import type { ImageRecord, PullOptions, RemovedImage, RemoveOptions } from "./images.ts";
import { zonesOf, type ZoneNames } from "./image-users.ts";
import { isOurs } from "./layer-manifest.ts";
import { layerStackUuid, removalUuid } from "./layer-uuid.ts";
import { parseReference } from "./reference.ts";

export interface RemoveContext extends ImageLookup {
  readonly locks: ImageLocks;
  readonly log: Logger;
  readonly zoneNames: ZoneNames;
}

/**
 * By reference: that name. By digest or uuid: all names of the image. Repeating it after an interruption goes on where
 * it stopped. The last name of an image with containers goes with `force` only (IMAGE_IN_USE names them).
 * IMAGE_NOT_FOUND, IMAGE_NOT_OURS, IMAGE_REFERENCE_INVALID, IMAGE_REFERENCE_AMBIGUOUS.
 */
export async function removeImage(context: RemoveContext, text: string, options: RemoveOptions): Promise<RemovedImage> {
  const { records, locks } = context;
  const guard = await locks.records({
    onWait: () => options.onProgress?.({ type: "waiting", what: "another zonelet process, which is changing images" }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  try {
    const all = await records.all();
    const { matches, invalid } = recordsNamed(all, text);
    if (matches.length === 0) throw await noSuchImage(context, text, invalid, "is not removed by it", options.signal);
    const untagged: string[] = [];
    const deleted: ImageUuid[] = [];
    let kept = false;
    if (options.force !== true) await refuseUsed(context, all, matches, text, options.signal);
    for (const record of matches) {
      const names = namesToTake(record, text);
      const left = { ...record, references: record.references.filter((name) => !names.includes(name)) };
      untagged.push(...names);
      await records.put(left);
      if (left.references.length > 0) kept = true;
      else kept = (await dropLayers(context, left, deleted, options)) || kept;
    }
    return { untagged, deleted, kept };
  } finally {
    guard?.release();
  }
}

/** Throws IMAGE_IN_USE where taking the names would leave containers with an image nobody can name. */
async function refuseUsed(
  { imgadm, zoneNames }: RemoveContext,
  all: readonly ImageRecord[],
  matches: readonly ImageRecord[],
  text: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const going = matches.filter((record) => namesToTake(record, text).length === record.references.length);
  const staying = new Set(all.filter((record) => !going.includes(record)).map(({ imageUuid }) => imageUuid));
  const stacks = new Set(going.map(({ imageUuid }) => imageUuid).filter((uuid) => !staying.has(uuid)));
  if (stacks.size === 0) return;
  const zones = zonesOf(await imgadm.list({ signal }));
  const users = [...stacks].flatMap((uuid) => zones.get(uuid) ?? []);
  if (users.length === 0) return;
  const names = await zoneNames(signal);
  const shown = users.map((zone) => names.get(zone) ?? zone);
  throw new AgentError(
    "IMAGE_IN_USE",
    `image ${text} is used by ${users.length === 1 ? "container" : "containers"} ${shown.join(", ")}`,
    {
      hint: `remove ${users.length === 1 ? "it" : "them"} first, or take only the name off: zonelet rmi -f ${text}`,
      details: { zones: users },
    },
  );
}

function namesToTake(record: ImageRecord, text: string): readonly string[] {
  if (isDigest(text) || isImageUuid(text)) return record.references;
  try {
    const { canonical } = parseReference(text);
    if (record.references.includes(canonical)) return [canonical];
  } catch {
    // A prefix of the digest, then.
  }
  return record.references;
}

/** True when somebody still needs the topmost layer; then the record stays, without a name. */
export async function dropLayers(
  context: RemoveContext,
  record: ImageRecord,
  deleted: ImageUuid[],
  options: PullOptions,
): Promise<boolean> {
  const others = (await context.records.all()).filter(({ config }) => config !== record.config);
  const wanted = new Set(others.map(({ imageUuid }) => imageUuid));
  if (wanted.has(record.imageUuid)) {
    // Another configuration on the same layers: nothing hangs on this one.
    await context.records.delete(record.config);
    return true;
  }
  let first = true;
  for (const uuid of stackFromTop(record)) {
    if (wanted.has(uuid) || !(await dropOne(context, uuid, deleted, options))) {
      if (first) return true;
      break;
    }
    first = false;
  }
  await context.records.delete(record.config);
  return false;
}

/** The uuids a record's layers may have been installed under, removal images among them. */
export function stackFromTop({ layers }: Pick<ImageRecord, "layers">): readonly ImageUuid[] {
  return layers
    .flatMap((_, index) => [removalUuid(layers.slice(0, index + 1)), layerStackUuid(layers.slice(0, index + 1))])
    .reverse();
}

/** False when it has to stay: used, pinned, or not ours. Absent already counts as gone. */
export async function dropOne(
  { imgadm, locks, log }: Pick<RemoveContext, "imgadm" | "locks" | "log">,
  uuid: ImageUuid,
  deleted: ImageUuid[],
  { signal }: PullOptions,
): Promise<boolean> {
  const lock = await locks.image(uuid, { timeoutMs: 0 });
  // Somebody is making a container of it or building on it.
  if (lock === undefined) return false;
  try {
    const installed = await imgadm.get(uuid, { signal });
    if (installed === undefined) return true;
    if (!isOurs(installed)) return false;
    await imgadm.delete(uuid, { signal });
    deleted.push(uuid);
    return true;
  } catch (error) {
    if (!hasCode(error, "IMAGE_IN_USE")) throw error;
    log.debug({ image: uuid }, "layer still in use, kept");
    return false;
  } finally {
    lock.release();
  }
}

/** Why none of our records is called `text`; `cannot` says what becomes of an image somebody else brought. */
export async function noSuchImage(
  { imgadm }: Pick<RemoveContext, "imgadm">,
  text: string,
  invalid: AgentError | undefined,
  cannot: string,
  signal: AbortSignal | undefined,
): Promise<AgentError> {
  const known = (await imgadm.list({ signal })).find(
    (installed) => installed.manifest.uuid === text || isNamed(installed, text),
  );
  if (known === undefined) return invalid ?? new AgentError("IMAGE_NOT_FOUND", `no image "${text}" on this node`);
  // Ours without a record: a pull is not through, or was killed. Nobody can mean that by a name.
  if (isOurs(known))
    return new AgentError("IMAGE_NOT_FOUND", `image ${text} is not whole: its pull is under way or was interrupted`, {
      hint: "pull it again, or clear up with `zonelet image prune -f`",
    });
  return new AgentError("IMAGE_NOT_OURS", `image ${text} was not brought here by zonelet and ${cannot}`, {
    hint: `run it by its uuid; \`imgadm delete ${known.manifest.uuid}\` removes it`,
  });
}
