// From the volumes a container names to directories it can mount: missing ones are made, empty ones get what the image
// has there, parts are made and looked at. All under the locks of the volumes, which the caller holds until the zone is
// there: from then on the zone itself shows that it uses them.
import { stat } from "node:fs/promises";
import { AgentError } from "../errors/agent-error.ts";
import { inlineChain } from "../errors/chain.ts";
import { resolveInRoot } from "../host/in-root.ts";
import type { HostPaths } from "../host/paths.ts";
import type { Logger } from "../log/logger.ts";
import type { VolumeUse } from "../spec/resolved.ts";
import { volumeDataset, volumePath, type VolumePlace } from "../spec/volume-place.ts";
import type { Lock } from "../util/lock.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { VolumeDataset, VolumeDatasets } from "./datasets.ts";
import { copyContent, emptyDirectory, isEmptyDirectory, makeSubdirectory, setOwner } from "./fill.ts";
import { isSamePlace, nestedWriters, volumeUses } from "./usage.ts";

export interface ProvideRequest {
  readonly uses: readonly VolumeUse[];
  /** Root of the image's tree. */
  readonly imageRoot: string;
  /** The zones as they are once the volumes are locked. */
  readonly zones: () => Promise<readonly VmObject[]>;
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: ((what: string) => void) | undefined;
}

export interface Provided {
  /** Gives the locks back. Repeating it does nothing. */
  release(): void;
  /** Removes the volumes that were made for this container. To be called before `release`, once no zone mounts them. */
  undo(): Promise<void>;
}

export interface ProvideDependencies {
  readonly datasets: VolumeDatasets;
  readonly lock: (
    place: VolumePlace,
    options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (what: string) => void },
  ) => Promise<Lock>;
  readonly paths: HostPaths;
  readonly pool: string;
  readonly log: Logger;
}

/** Raises VOLUME_CONFLICT for parts that others could exchange, VOLUME_INVALID for parts that are no directories. */
export async function provideVolumes(request: ProvideRequest, dependencies: ProvideDependencies): Promise<Provided> {
  const { datasets, pool, log } = dependencies;
  if (request.uses.length === 0) return { release: () => undefined, undo: () => Promise.resolve() };
  const locks: Lock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  const made: VolumePlace[] = [];
  const undo = async (): Promise<void> => {
    for (const place of made.splice(0)) await datasets.destroy(place);
  };
  try {
    for (const place of placesInOrder(request.uses, pool))
      locks.push(
        await dependencies.lock(place, {
          signal: request.signal,
          ...(request.onWait === undefined ? {} : { onWait: request.onWait }),
        }),
      );
    const zones = await request.zones();
    refuseNested(request.uses, zones, pool);
    const known = await datasets.list({ signal: request.signal });
    for (const place of placesInOrder(request.uses, pool)) {
      const uses = request.uses.filter((use) => isSamePlace(use.place, place));
      const dataset = known.find((candidate) => isSamePlace(candidate.place, place));
      const mounted = volumeUses(zones, pool).some((use) => isSamePlace(use.place, place));
      await provideOne({ place, uses, dataset, mounted, made }, request, dependencies);
    }
    return { release, undo };
  } catch (error) {
    await undo().catch((undoError: unknown) => log.warn({ reason: inlineChain(undoError) }, "volume not removed"));
    release();
    throw error;
  }
}

/** One order for everybody: two containers that share two volumes never wait for each other. */
function placesInOrder(uses: readonly VolumeUse[], pool: string): VolumePlace[] {
  const places = new Map(uses.map(({ place }) => [volumeDataset(pool, place), place]));
  return [...places].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place);
}

function refuseNested(wanted: readonly VolumeUse[], zones: readonly VmObject[], pool: string): void {
  const pair = nestedWriters(wanted, volumeUses(zones, pool));
  if (pair === undefined) return;
  const { upper, lower } = pair;
  const who = (use: typeof upper): string =>
    "zone" in use ? `"${use.zone.alias ?? use.zone.uuid}"` : "this container";
  const whole = upper.subpath === "" ? "the whole volume" : `"${upper.subpath}" of it`;
  throw new AgentError(
    "VOLUME_CONFLICT",
    `volume "${upper.place.name}": ${who(lower)} mounts "${lower.subpath}" of it, and ${who(upper)} can write to ${whole}`,
    {
      hint: "whoever can write above a directory could put a link in its place: mount the upper one read-only, or parts beside each other",
    },
  );
}

interface One {
  readonly place: VolumePlace;
  readonly uses: readonly VolumeUse[];
  readonly dataset: VolumeDataset | undefined;
  /** Some zone has it mounted, or will at its next boot: its content is not ours to touch. */
  readonly mounted: boolean;
  readonly made: VolumePlace[];
}

async function provideOne(
  { place, uses, dataset, mounted, made }: One,
  request: ProvideRequest,
  { datasets, paths, pool }: ProvideDependencies,
): Promise<void> {
  const directory = paths.inGlobalZone(volumePath(pool, place));
  const source = await contentSource(uses, request.imageRoot);
  if (dataset === undefined) {
    if (uses.some((use) => use.existing === true))
      throw new AgentError("VOLUME_NOT_FOUND", `no volume "${place.name}", and it is not to be made`, {
        hint: `make it first: zonelet volume create ${place.name}`,
      });
    const labels = uses.find((use) => use.labels !== undefined)?.labels ?? {};
    const sizeBytes = uses.find((use) => use.sizeBytes !== undefined)?.sizeBytes;
    await datasets.create(place, { labels, sizeBytes, filling: source !== undefined });
    made.push(place);
    const owner = uses.find((use) => use.owner !== undefined)?.owner;
    if (owner !== undefined) await setOwner(directory, owner);
  }
  const fresh = dataset === undefined || dataset.filling || (await isEmptyDirectory(directory));
  // What a killed copier has left is a part of something: it goes, whatever comes in its place.
  if (!mounted && (dataset?.filling === true || (source !== undefined && fresh))) {
    if (dataset?.filling === false) await datasets.setFilling(place, true);
    await emptyDirectory(directory);
    if (source !== undefined) await copyContent(source, directory, request.signal);
    await datasets.setFilling(place, false);
  }
  for (const { subpath } of uses)
    if (subpath !== "") await makeSubdirectory(directory, subpath, `volume "${place.name}", subpath "${subpath}"`);
}

/** The image's directory an empty volume is filled from: nobody writes there, so links are followed within it once. */
async function contentSource(uses: readonly VolumeUse[], imageRoot: string): Promise<string | undefined> {
  for (const { copyFrom } of uses) {
    const place = copyFrom === undefined ? undefined : resolveInRoot(imageRoot, copyFrom);
    if (place === undefined) continue;
    const status = await stat(place);
    if (status.isDirectory() && !(await isEmptyDirectory(place))) return place;
  }
  return undefined;
}
