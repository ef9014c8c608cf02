// The executables of the host that we run, by name; never looked up in an inherited PATH.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Names and where SmartOS keeps them. A lab host has all of them in its one directory. */
export const HOST_BINARIES = {
  vmadm: "/usr/sbin/vmadm",
  imgadm: "/usr/sbin/imgadm",
  zlogin: "/usr/sbin/zlogin",
  zoneadm: "/usr/sbin/zoneadm",
  zonename: "/usr/bin/zonename",
  zfs: "/usr/sbin/zfs",
  zpool: "/usr/sbin/zpool",
  sysinfo: "/usr/bin/sysinfo",
  nictagadm: "/usr/bin/nictagadm",
  kstat: "/usr/bin/kstat",
} as const;

export type HostBinary = keyof typeof HOST_BINARIES;

/**
 * Absolute path of an executable: the first of `binDirs` that has it, else SmartOS's own place. A missing one is not an
 * error here; running it is (HOST_COMMAND_MISSING).
 */
export function binaryPath(name: HostBinary, binDirs: readonly string[]): string {
  for (const directory of binDirs) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return binDirs[0] === undefined ? HOST_BINARIES[name] : join(binDirs[0], name);
}
