// /var/log/sdc-dockerinit.log of the zone (dockerinit.md 4.10): last boot only, 0600, one flushed line per event.
import { closeSync, constants, fchmodSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { ZoneFiles } from "../runtime/in-root.ts";
import { DockerinitFatal, errnoText } from "./fatal.ts";

export interface BootLog {
  readonly line: (text: string) => void;
  readonly close: () => void;
}

export function formatLogLine(time: Date, text: string): string {
  return `${time.toISOString()} ${text}\n`;
}

/** Throws DockerinitFatal 18 when the tenant's tree does not allow the file. Links are never followed out of the zone. */
export function openBootLog(files: ZoneFiles): BootLog {
  const fd = openInZone(files);
  return {
    line: (text) => void writeSync(fd, formatLogLine(new Date(), text)),
    close: () => closeSync(fd),
  };
}

function openInZone(files: ZoneFiles): number {
  try {
    const directory = files.makeDirectories("/var/log", 0o755);
    const file = files.resolve(join(directory.inZone, "sdc-dockerinit.log"));
    const flags =
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openSync(file.onHost, flags, 0o600);
    fchmodSync(fd, file.stats === undefined ? 0o600 : file.stats.mode & 0o7777);
    return fd;
  } catch (error) {
    throw new DockerinitFatal(18, `failed to open log file: ${errnoText(error)}`);
  }
}
