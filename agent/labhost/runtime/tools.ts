// The machine's programs the lab host works with, by absolute path: they are called with the container's PATH in the
// environment at times, and must not be looked up in it.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { LabError } from "../lab.ts";

export type Tool =
  | "chmod"
  | "cp"
  | "env"
  | "ip"
  | "mkfifo"
  | "mount"
  | "nsenter"
  | "rm"
  | "script"
  | "setpriv"
  | "setsid"
  | "sh"
  | "sleep"
  | "stty"
  | "umount"
  | "unshare";

const DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const PACKAGES: Readonly<Partial<Record<Tool, string>>> = { ip: "iproute2", script: "bsdutils (util-linux)" };

/** Environment of every helper: nothing of the caller's gets into a zone. */
export const TOOL_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: DIRECTORIES.join(":"),
  LC_ALL: "C",
};

const found = new Map<Tool, string>();

/** Throws LabError naming the package when the tool is not installed. */
export function tool(name: Tool): string {
  const known = found.get(name);
  if (known !== undefined) return known;
  for (const directory of DIRECTORIES) {
    const path = join(directory, name);
    if (!isExecutable(path)) continue;
    found.set(name, path);
    return path;
  }
  throw new LabError(`no program "${name}" on this machine: install ${PACKAGES[name] ?? "util-linux and coreutils"}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
