// `docker:nfsvolumes` (dockerinit.md 3.2). The lab has no NFS client: every mount ends as one that the server refused.
import { DockerinitFatal } from "./fatal.ts";
import { parseNvlist } from "./json-nvlist.ts";
import type { Metadata } from "./metadata.ts";
import { readKey, type LogLine } from "./process-plan.ts";

/** Throws DockerinitFatal 20 (JSON), 57 (an entry without its two paths), 58 (the mount failed). */
export function mountNfsVolumes(metadata: Metadata, log: LogLine): void {
  const key = "docker:nfsvolumes";
  const text = readKey(metadata, key, log);
  if (text === undefined) {
    log("No docker:nfsvolumes, nothing to mount");
    return;
  }
  const volumes = parseNvlist(key, text);
  for (const volume of Array.isArray(volumes) ? (volumes as unknown[]) : []) {
    const [source, target] = ["nfsvolume", "mountpoint"].map((name) =>
      volume instanceof Map ? (volume.get(name) as unknown) : undefined,
    );
    if (typeof source !== "string" || typeof target !== "string") throw new DockerinitFatal(57, "invalid nfsvolumes");
    log(`INFO mounting ${source} on ${target}`);
    log(`INFO started mount[${process.pid}]`);
    log(`INFO mount[${process.pid}] exited: 1`);
    throw new DockerinitFatal(58, `mount[${process.pid}] exited non-zero (1)`);
  }
}
