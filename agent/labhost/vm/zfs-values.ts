// Values that end up as dataset properties (vmadm.md 4.4, 8.4).
import { COMPRESSION_VALUES } from "./properties.ts";
import { textOf, type Payload } from "./json-text.ts";
import { isBlank } from "./validate.ts";
import { VmError } from "./vm-error.ts";

export function checkZfsValues(payload: Payload): void {
  for (const key of ["zfs_root_recsize", "zfs_data_recsize"]) {
    const size = payload[key];
    if (isBlank(size) || size === 0) continue;
    if (typeof size !== "number" || size < 512 || size > 131072 || (size & (size - 1)) !== 0)
      throw new VmError(`invalid ${key} (${textOf(size)}), must be 512-131072 and a power of 2. (0 to disable)`);
  }
  for (const key of ["zfs_root_compression", "zfs_data_compression"]) {
    const value = payload[key];
    if (!isBlank(value) && !COMPRESSION_VALUES.includes(textOf(value)))
      throw new VmError(`invalid compression type for ${key}, must be one of: ${COMPRESSION_VALUES.join(", ")}`);
  }
  for (const key of ["zfs_snapshot_limit", "zfs_filesystem_limit"]) {
    const value = payload[key];
    if (!isBlank(value) && !(typeof value === "number" && value >= 0))
      throw new VmError(`invalid ${key} (${textOf(value)}), must be a number >= 0 (or '' to disable)`);
  }
}

/** Properties of the zone's dataset out of a payload. */
export function rootDatasetProperties(payload: Payload): Record<string, string> {
  const properties = storageProperties(payload, "root");
  const { quota } = payload;
  if (quota !== undefined) properties["quota"] = isBlank(quota) || quota === 0 ? "none" : `${textOf(quota)}G`;
  for (const limit of ["snapshot_limit", "filesystem_limit"]) {
    const value = payload[`zfs_${limit}`];
    if (value !== undefined) properties[limit] = isBlank(value) ? "none" : textOf(value);
  }
  return properties;
}

/** Those of the delegated dataset `<fs>/data`. */
export function dataDatasetProperties(payload: Payload): Record<string, string> {
  return storageProperties(payload, "data");
}

function storageProperties(payload: Payload, which: "root" | "data"): Record<string, string> {
  const recsize = payload[`zfs_${which}_recsize`];
  const compression = payload[`zfs_${which}_compression`];
  return {
    ...(recsize !== undefined && { recordsize: isBlank(recsize) || recsize === 0 ? "131072" : textOf(recsize) }),
    ...(compression !== undefined && { compression: isBlank(compression) ? "off" : textOf(compression) }),
  };
}
