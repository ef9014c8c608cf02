// The provisioning protocol (vmadm.md 10): create leaves a file in the zone, which something in it has to move.
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Lab } from "./lab.ts";
import { InRootError, ZoneFiles } from "./runtime/in-root.ts";
import { without } from "./vm/json-text.ts";
import type { ZoneConfig } from "./vm/zone-config.ts";

export const PROVISIONING_FILE = "/var/svc/provisioning";
/** How long after its deadline a create may still be settling the zone itself. */
const GRACE_MS = 10_000;

/** Paths in a zone that does not run, safe against its links. */
export function zoneFiles(lab: Lab, zonepath: string): ZoneFiles {
  return new ZoneFiles(join(lab.path(zonepath), "root"), []);
}

export function markProvisioning(files: ZoneFiles): void {
  files.makeDirectories(dirname(PROVISIONING_FILE), 0o755);
  const { onHost } = files.resolve(PROVISIONING_FILE, { followLast: false });
  rmSync(onHost, { recursive: true, force: true }); // an image may bring a link of this name that leads anywhere
  writeFileSync(onHost, "", { flag: "wx" });
}

/** False as soon as the file was renamed or removed. */
export function isProvisioning(files: ZoneFiles): boolean {
  try {
    return files.resolve(PROVISIONING_FILE, { followLast: false }).stats !== undefined;
  } catch (error) {
    if (error instanceof InRootError) return false;
    throw error;
  }
}

/**
 * The configuration as vmadmd would leave it: it waits for the file as create does, so that a zone whose create died
 * does not stay `provisioning` for ever. There is no vmadmd here; whoever reads the zone sees what it would have done.
 */
export function settledConfig(lab: Lab, config: ZoneConfig, now = Date.now()): ZoneConfig {
  if (config.transition === undefined || config.provisioning === true || config.installState !== "installed")
    return config;
  if (!isProvisioning(zoneFiles(lab, config.zonepath))) return without(config, "transition");
  const expire = Number(config.transition.split(":")[2]);
  return now > expire + GRACE_MS ? { ...without(config, "transition"), failed: "provisioning" } : config;
}
