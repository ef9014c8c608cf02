// What a new zone is given before anything has run in it: files of the spec, and the owners of its own volumes. Nobody
// but us writes there yet, so links of the image are followed inside the zone's root only, and safely.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { resolveInRoot } from "../host/in-root.ts";
import type { HostPaths } from "../host/paths.ts";
import type { ResolvedFile } from "../spec/resolved.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { setOwner } from "../volumes/fill.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";

/** The zone has been created and never booted. Repeating it does the same again. */
export async function furnishZone(
  uuid: ZoneUuid,
  { files, directories }: Pick<PreparedZone, "files" | "directories">,
  paths: HostPaths,
): Promise<void> {
  // vmadm has made these datasets: `<zonepath>/volumes/<uuid>` (vmadm.md 8.3).
  for (const { source, owner } of directories) await setOwner(join(paths.zone(uuid), "volumes", source), owner);
  for (const file of files) writeFileInZone(paths.zoneRoot(uuid), file);
}

/** Never shows its content to anybody before owner and mode are as they should be. */
function writeFileInZone(root: string, { target, content, mode, uid, gid }: ResolvedFile): void {
  const place = join(makeDirectories(root, dirname(target)), basename(target));
  const present = lstatSync(place, { throwIfNoEntry: false });
  if (present?.isDirectory() === true)
    throw new AgentError("SPEC_INVALID", `the file ${target} cannot be written: the image has a directory there`);
  if (present !== undefined) rmSync(place);
  const fd = openSync(place, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeFileSync(fd, content);
    fchownSync(fd, uid, gid);
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

function makeDirectories(root: string, path: string): string {
  let at = root;
  let inZone = "";
  for (const part of path.split("/").filter(Boolean)) {
    inZone = `${inZone}/${part}`;
    const place = resolveInRoot(root, inZone);
    if (place === undefined) {
      const missing = join(at, part);
      if (lstatSync(missing, { throwIfNoEntry: false }) !== undefined)
        throw new AgentError(
          "SPEC_INVALID",
          `no file can be written below ${inZone}: the image has a broken link there`,
        );
      mkdirSync(missing, { mode: 0o755 });
      at = missing;
    } else if (lstatSync(place).isDirectory()) at = place;
    else throw new AgentError("SPEC_INVALID", `no file can be written below ${inZone}: the image has a file there`);
  }
  return at;
}
