// What keeps processes out of each other's way, one kernel-released lock per image uuid (imgadm.md 9.2).
//
//   pinned (a container is being created from it)   shared
//   being installed, being deleted                   exclusive
//
// A puller takes the locks of all layers it lacks from the bottom up. Two pullers that share layers share the lower
// ones, so they queue at the lowest and cannot wait for each other in a circle.
import { join } from "node:path";
import { acquireLock, type Lock, type LockOptions } from "../util/lock.ts";
import type { ImageUuid } from "../util/ids.ts";

export interface ImageLocks {
  /** Waits for it; undefined only when `timeoutMs` passed. */
  image(uuid: ImageUuid, options: LockOptions): Promise<Lock | undefined>;
  /** Guards the kept blobs: shared while some are brought in or read, alone to clear up. */
  blobs(options: LockOptions): Promise<Lock | undefined>;
  /** Guards the records as a set: short, for moving names between them. */
  records(options: LockOptions): Promise<Lock | undefined>;
  /** Guards the making and sweeping of scratch directories. */
  scratch(options: LockOptions): Promise<Lock | undefined>;
}

export function imageLocks(directory: string): ImageLocks {
  return {
    image: (uuid, options) => acquireLock(join(directory, `image-${uuid}.lock`), options),
    blobs: (options) => acquireLock(join(directory, "image-blobs.lock"), options),
    records: (options) => acquireLock(join(directory, "image-records.lock"), options),
    scratch: (options) => acquireLock(join(directory, "scratch.lock"), options),
  };
}
