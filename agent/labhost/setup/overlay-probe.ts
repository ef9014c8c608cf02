import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tool, TOOL_ENVIRONMENT } from "../runtime/tools.ts";

/** Whether an overlay with its upper layer in `directory` can be mounted: kernels and file systems differ in this. */
export function overlayWorks(directory: string): boolean {
  if (!readFileSync("/proc/filesystems", "utf8").includes("\toverlay\n") && !mayLoadModules()) return false;
  const probe = mkdtempSync(join(directory, "overlay-"));
  try {
    for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(join(probe, name));
    // Relative, as the datasets' overlays are: a comma in the path would end the option.
    run("mount", ["-t", "overlay", "overlay", "-o", "lowerdir=lower,upperdir=upper,workdir=work", "merged"], probe);
    run("umount", ["merged"], probe);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/** mount(8) loads the module by itself. */
function mayLoadModules(): boolean {
  return process.getuid?.() === 0;
}

function run(name: "mount" | "umount", args: readonly string[], cwd: string): void {
  execFileSync(tool(name), args, { cwd, stdio: "ignore", env: TOOL_ENVIRONMENT });
}
