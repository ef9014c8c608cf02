// Binds name shared volumes; a path of the host is none (sdc-docker.md 15).
import { failed, invalid } from "./refuse.ts";

export interface Bind {
  readonly name: string;
  readonly mountpoint: string;
  readonly mode?: "ro" | "rw";
}

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function isVolumeName(name: string): boolean {
  return VOLUME_NAME.test(name);
}

/** Raises one refusal with all that is wrong. */
export function parseBinds(binds: readonly string[]): Bind[] {
  const parsed = binds.map((bind) => parseBind(bind));
  const faults = parsed.filter((one) => typeof one === "string");
  if (faults.length > 0) throw invalid(`Invalid binds: ${faults.join(",")}`);
  return parsed.filter((one) => typeof one !== "string");
}

function parseBind(bind: string): Bind | string {
  const parts = bind.split(":");
  const [name = "", mountpoint, mode, ...more] = parts;
  if (mountpoint === undefined || more.length > 0)
    return `${bind}: ${bind} is not of the form: volumeName:/mount/point[:flags]`;
  if (!isVolumeName(name)) return `${bind}: ${name} is not a valid volume name`;
  if (mountpoint === "") return `${bind}: ${mountpoint} must be a non-empty string`;
  if (mode === undefined) return { name, mountpoint };
  if (mode === "") return `${bind}: an empty flag is not a valid flag`;
  if (mode !== "ro" && mode !== "rw") return `${bind}: "${mode}" is not a valid flag`;
  return { name, mountpoint, mode };
}

/** Stage B: shared volumes have to be switched on, twice. */
export function refuseBinds(
  binds: readonly Bind[],
  service: { readonly sharedVolumes: boolean; readonly automountVolumes: boolean },
): void {
  if (binds.length === 0) return;
  if (!service.sharedVolumes) throw failed("SPEC_UNSUPPORTED", "host volumes are not supported");
  if (!service.automountVolumes)
    throw failed("SPEC_UNSUPPORTED", "Support for automounting NFS volumes is not enabled");
}
