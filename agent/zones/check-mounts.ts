// Directories of the global zone a container is about to mount.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { HostPaths } from "../host/paths.ts";
import { specError, type SpecProblem } from "../spec/problem.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";

/**
 * vmadm does not look at lofs sources; a missing one fails only at boot, with a wedged zone (vmadm.md 8.3). A link on the
 * way could lead out of the roots a spec may mount from: those were checked as text, so text and place must agree.
 * Raises MOUNT_SOURCE_MISSING, or SPEC_INVALID where all are there and one may not be used, with every one of them.
 */
export function checkMounts({ bindSources }: Pick<PreparedZone, "bindSources">, paths: HostPaths): void {
  const missing: string[] = [];
  const problems = bindSources.flatMap(({ path, place }): SpecProblem[] => {
    const there = paths.inGlobalZone(path);
    const complain = (what: string): SpecProblem[] => [{ ...place, message: `volume source ${path} ${what}` }];
    if (!existsSync(there)) {
      missing.push(path);
      return complain("does not exist");
    }
    const status = lstatSync(there);
    if (!status.isDirectory() && !status.isFile() && !status.isSymbolicLink())
      return complain("is neither a directory nor a file");
    return realpathSync(there) === resolve(realpathSync(paths.root), `.${path}`)
      ? []
      : complain("leads through a symbolic link: name the place it leads to");
  });
  if (problems.length === 0) return;
  throw missing.length === 0
    ? specError("SPEC_INVALID", problems)
    : specError(
        "MOUNT_SOURCE_MISSING",
        problems,
        `make what is missing ("mkdir -p ${missing.join(" ")}"); nothing was created`,
      );
}
