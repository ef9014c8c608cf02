// `POST /volumes/create` (sdc-docker.md 15): shared volumes by name.
import { isVolumeName } from "./binds.ts";
import { isMembers, member, membersOf, shown } from "./members.ts";
import { invalid } from "./refuse.ts";

export interface VolumeRequest {
  readonly driver: "tritonnfs";
  /** Null: one is made up. */
  readonly name: string | null;
  readonly size_mib?: number;
}

const MAX_NAME = 256;
const MIB_PER_GIB = 1024;

export function parseVolumeCreate(body: unknown): VolumeRequest {
  if (!isMembers(body)) throw invalid('"body" must be an object');
  const driver = member(body, "Driver");
  if (typeof driver !== "string") throw invalid("volume driver must be a string");
  if (driver !== "local" && driver !== "tritonnfs")
    throw invalid(`${driver} is not a supported volume driver. Supported volume drivers are: tritonnfs`);
  const name = member(body, "Name") ?? "";
  if (typeof name !== "string") throw invalid("volume name must be a string");
  if (name !== "" && !isVolumeName(name)) throw invalid(`${name} is not a valid volume name`);
  if (name.length > MAX_NAME) throw invalid("volume name is too long");
  const size = member(membersOf(body, "DriverOpts") ?? {}, "size");
  const request = { driver: "tritonnfs", name: name === "" ? null : name } as const;
  if (size === undefined) return request;
  const gibibytes = typeof size === "string" ? /^(\d{1,9})G$/.exec(size)?.[1] : undefined;
  if (gibibytes === undefined)
    throw invalid(`Volume size: "${typeof size === "string" ? size : shown(size)}" is not a valid volume size`);
  return { ...request, size_mib: Number(gibibytes) * MIB_PER_GIB };
}
