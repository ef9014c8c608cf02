// Data volumes of a container, and those it takes from others (sdc-docker.md 15).
import { posix } from "node:path";
import { containerFacts, type ContainerFacts } from "../docker-view/facts.ts";
import { sdcLookUp } from "../docker-view/look-up.ts";
import type { ZoneLike } from "../docker-view/zone-like.ts";
import { hasCode } from "../errors/agent-error.ts";
import { asserted, failed } from "./refuse.ts";

/** A lofs mount; a uuid as source is a dataset vmadm makes for the zone. */
export interface VolumeFilesystem {
  readonly source: string;
  readonly target: string;
  readonly type: "lofs";
  readonly options: readonly string[];
}

const MAX_DATA_VOLUMES = 8;
const MAX_VOLUMES_FROM = 2;

export function checkVolumePaths(paths: readonly string[]): void {
  for (const path of paths) {
    if (!path.startsWith("/")) throw asserted(`Invalid volume name "${path}" must start with "/"`);
    if (path.includes("\0")) throw asserted("Invalid volume name: cannot contain \\0");
    if (/^\/+$/.test(path)) throw asserted("Invalid volume name: must contain at least one non-/ character");
  }
}

export function volumeTarget(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, "");
}

/** The body's own volumes. One that is a shared volume, too (docker-compose says it twice), is only that. */
export function dataVolumes(
  paths: readonly string[],
  taken: ReadonlySet<string>,
  newUuid: () => string,
): VolumeFilesystem[] {
  if (paths.length > MAX_DATA_VOLUMES) throw failed("SPEC_INVALID", `too many data volumes: max ${MAX_DATA_VOLUMES}`);
  return freshVolumes(paths, taken, newUuid);
}

/** The image's, where nothing else is mounted. */
export function imageVolumes(
  paths: readonly string[],
  taken: ReadonlySet<string>,
  newUuid: () => string,
): VolumeFilesystem[] {
  checkVolumePaths(paths);
  return freshVolumes(paths, taken, newUuid);
}

function freshVolumes(paths: readonly string[], taken: ReadonlySet<string>, newUuid: () => string): VolumeFilesystem[] {
  const targets = new Set(paths.map((path) => volumeTarget(path)));
  // `/..` and the like: the root of the zone cannot be a volume.
  if (targets.has("/")) throw asserted("Invalid volume name: must contain at least one non-/ character");
  return [...targets]
    .filter((target) => !taken.has(target))
    .map((target) => ({ source: newUuid(), target, type: "lofs", options: [] }));
}

/** `--volumes-from`: the sources' own volumes, and their uuids. */
export function volumesFrom(
  references: readonly string[],
  ownerUuid: string,
  zones: readonly ZoneLike[],
): { readonly filesystems: VolumeFilesystem[]; readonly uuids: string[] } {
  if (references.length > MAX_VOLUMES_FROM)
    throw failed("SPEC_INVALID", `too many --volumes-from: max ${MAX_VOLUMES_FROM}`);
  const faults: string[] = [];
  const uuids: string[] = [];
  const filesystems = references.flatMap((reference) => {
    const [, id = reference, mode] = /^([^]*?)(?::(ro|rw))?$/.exec(reference) ?? [];
    const facts = find(id, zones);
    const zone = facts && zones.find(({ uuid }) => uuid === facts.uuid);
    if (facts === undefined || zone === undefined) faults.push(`container "${id}" not found`);
    else if (facts.ownerUuid !== ownerUuid) faults.push("Owners do not match, cannot --volumes-from");
    else if (zone["docker"] !== true) faults.push('Container is not a "docker" container, cannot --volumes-from');
    else {
      uuids.push(facts.uuid);
      return facts.mounts
        .filter((mount) => mount.own)
        .map(({ source, target, readOnly }): VolumeFilesystem => {
          const options = mode === "ro" || (mode === undefined && readOnly) ? ["ro"] : [];
          return { source, target, type: "lofs", options };
        });
    }
    return [];
  });
  if (faults.length > 0) throw failed("CONTAINER_NOT_FOUND", faults.join(", "));
  return { filesystems, uuids };
}

function find(reference: string, zones: readonly ZoneLike[]): ContainerFacts | undefined {
  try {
    return sdcLookUp(reference, zones.map((zone) => containerFacts(zone))); // prettier-ignore
  } catch (error) {
    if (hasCode(error, "CONTAINER_NOT_FOUND")) return undefined;
    throw error;
  }
}
