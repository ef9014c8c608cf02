// Directories of the global zone a container is about to mount.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import type { HostPaths } from "../host/paths.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";

/**
 * vmadm does not look at lofs sources; a missing one fails only at boot, with a wedged zone (vmadm.md 8.3). A link on the
 * way could lead out of the roots a spec may mount from: those were checked as text, so text and place must agree.
 */
export function checkMounts(prepared: Pick<PreparedZone, "bindSources">, paths: HostPaths): void {
  for (const source of prepared.bindSources) {
    const place = paths.inGlobalZone(source);
    if (!existsSync(place))
      throw new AgentError("MOUNT_SOURCE_MISSING", `volume source ${source} does not exist`, {
        hint: `make it ("mkdir -p ${source}"); nothing was created`,
      });
    const status = lstatSync(place);
    if (!status.isDirectory() && !status.isFile() && !status.isSymbolicLink())
      throw new AgentError("MOUNT_SOURCE_MISSING", `volume source ${source} is neither a directory nor a file`);
    if (realpathSync(place) !== resolve(realpathSync(paths.root), `.${source}`))
      throw new AgentError("SPEC_INVALID", `volume source ${source} leads through a symbolic link`, {
        hint: "name the place it leads to",
      });
  }
}
