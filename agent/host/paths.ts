// Every file of the host we touch. All paths are built here, from branded ids only, under one root that is `/` on
// SmartOS and the lab host's private root elsewhere.
import { join } from "node:path";
import type { Digest, ImageUuid, ZoneUuid } from "../util/ids.ts";

export interface HostPaths {
  /** Where the platform's `/` is. */
  readonly root: string;
  /** A path of the global zone as the platform spells it, in our view of the file system. */
  inGlobalZone(path: string): string;

  /** Zone's directory; `/zones/<uuid>` unless the zone object said another `zonepath`. */
  zone(uuid: ZoneUuid): string;
  /** Directory of the zone's `stdio.log` and its rotated files (0700, invisible inside the zone). */
  zoneLogs(uuid: ZoneUuid): string;
  /** Root of the zone's file system. Everything below is the tenant's: no symlink of it may be followed. */
  zoneRoot(uuid: ZoneUuid): string;

  /** Root of an installed image's tree; somebody else's content as well. */
  imageRoot(uuid: ImageUuid): string;

  /** `/var/db/zonelet`: what we remember. */
  readonly state: string;
  zoneRecord(uuid: ZoneUuid): string;
  readonly zoneRecords: string;
  /** Results of a container's health checks. */
  zoneHealth(uuid: ZoneUuid): string;
  readonly health: string;
  imageRecord(config: Digest): string;
  readonly imageRecords: string;
  /** Bytes of images that imgadm does not keep, by digest. */
  readonly imageBlobs: string;
  imageBlob(digest: Digest): string;
  /** Records that could not be read are moved here. */
  readonly corrupt: string;
  readonly locks: string;
  /** What happened on this node, bounded. */
  readonly events: string;
  /** One file per task that was accepted. */
  readonly tasks: string;
  /** Key of this node that seals secrets of tasks (0600). */
  readonly taskKey: string;
  /** Logins of registries (0600). */
  readonly credentials: string;
  /** The daemon's socket; gone with a reboot, as `/var/run` is. */
  readonly socket: string;
  /** Space for layers on their way to imgadm: `/var/tmp`, because `/tmp` of a global zone is memory (imgadm.md 2). */
  readonly scratch: string;
}

export function hostPaths(root: string): HostPaths {
  const state = join(root, "var/db/zonelet");
  const zone = (uuid: ZoneUuid): string => join(root, "zones", uuid);
  return {
    root,
    inGlobalZone: (path) => join(root, path),
    zone,
    zoneLogs: (uuid) => join(zone(uuid), "logs"),
    zoneRoot: (uuid) => join(zone(uuid), "root"),
    imageRoot: (uuid) => join(root, "zones", uuid, "root"),
    state,
    zoneRecords: join(state, "zones"),
    zoneRecord: (uuid) => join(state, "zones", `${uuid}.json`),
    health: join(state, "health"),
    zoneHealth: (uuid) => join(state, "health", `${uuid}.json`),
    imageRecords: join(state, "images"),
    imageRecord: (config) => join(state, "images", `${config.slice("sha256:".length)}.json`),
    imageBlobs: join(state, "blobs"),
    imageBlob: (digest) => join(state, "blobs", digest.slice("sha256:".length)),
    corrupt: join(state, "corrupt"),
    locks: join(state, "locks"),
    events: join(state, "events"),
    tasks: join(state, "tasks"),
    taskKey: join(state, "tasks.key"),
    credentials: join(state, "credentials.json"),
    socket: join(root, "var/run/zonelet/zonelet.sock"),
    scratch: join(root, "var/tmp/zonelet"),
  };
}
