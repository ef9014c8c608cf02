// From what a caller wrote to what create works with (vmadm.md 3.1, steps 2 to 5); pure.
import { applyCreateDefaults, clampMemory } from "./defaults.ts";
import { applyDockerAtCreate } from "./docker.ts";
import { checkNic, checkNicSet, normalizeNic, type Nic } from "./nics.ts";
import { checkRoutes } from "./routes.ts";
import { checkZfsValues } from "./zfs-values.ts";
import { coerceBooleans, coerceIntegers, coerceLists } from "./coerce.ts";
import { requireFilesystem } from "./filesystem-source.ts";
import { brandFeatures } from "./properties.ts";
import { dropBadProperties, validatePayload, type PayloadWorld } from "./validate.ts";
import { textOf, type Payload } from "./json-text.ts";
import { UncaughtError, VmError } from "./vm-error.ts";

/** The brand a payload is for; one the platform does not know ends vmadm by an uncaught exception. */
export function brandOf(payload: Payload): string {
  const brand = payload["brand"] === undefined ? "joyent" : textOf(payload["brand"]);
  if (!brandFeatures(brand)) throw new UncaughtError("TypeError: Cannot read property 'features' of undefined");
  return brand;
}

/**
 * Raises VmError with the platform's words for the first thing that is wrong. Unknown and unsuitable properties are
 * dropped without a word. Interface names are given later, when the zone is configured.
 */
export function normalizeCreatePayload(input: Payload, world: PayloadWorld, randomUuid: () => string): Payload {
  const payload = structuredClone(input);
  const brand = brandOf(payload);
  payload["brand"] = brand;
  if (payload["uuid"] === undefined || payload["uuid"] === "") payload["uuid"] = randomUuid();
  const uuid = String(payload["uuid"]);
  renameDeprecated(payload);
  refuseBothForms(payload);
  coerceIntegers(payload);
  coerceLists(payload);
  applyCreateDefaults(payload);
  applyDockerAtCreate(payload, uuid, randomUuid);
  const valid = validated(payload, brand, world);
  clampMemory(valid);
  coerceBooleans(valid);
  checkZonename(valid, uuid);
  const nics = (valid["nics"] as readonly Nic[] | undefined) ?? [];
  if (valid["nics"] !== undefined) {
    valid["nics"] = nics.map(normalizeNic);
    for (const nic of valid["nics"] as readonly Nic[]) checkNic(nic);
    checkNicSet(valid["nics"] as readonly Nic[]);
  }
  checkRoutes(valid["routes"], (valid["nics"] as readonly Nic[] | undefined) ?? []);
  checkZfsValues(valid);
  for (const filesystem of (valid["filesystems"] as readonly Payload[] | undefined) ?? [])
    requireFilesystem(filesystem);
  return valid;
}

function validated(payload: Payload, brand: string, world: PayloadWorld): Payload {
  const result = validatePayload(payload, brand, "create", world);
  if (result && result.bad_values.length > 0) throw new VmError(`Invalid value(s) for: ${result.bad_values.join(",")}`);
  if (result && result.missing_properties.length > 0)
    throw new VmError(`Missing required properties: ${result.missing_properties.join(",")}`);
  return dropBadProperties(payload, brand, "c");
}

function renameDeprecated(payload: Payload): void {
  const { dataset_uuid: image, zfs_storage_pool_name: pool } = payload;
  if (image !== undefined && payload["image_uuid"] === undefined) payload["image_uuid"] = image;
  if (pool !== undefined && payload["zpool"] === undefined) payload["zpool"] = pool;
  Reflect.deleteProperty(payload, "dataset_uuid");
  Reflect.deleteProperty(payload, "zfs_storage_pool_name");
}

function refuseBothForms(payload: Payload): void {
  for (const key of ["nics", "disks", "filesystems", "pci_devices"])
    if (payload[key] !== undefined && payload[`add_${key}`] !== undefined)
      throw new VmError(`Cannot specify both "${key}" and "add_${key}"`);
}

/** A zonename that is no uuid trips an assertion; ours is the uuid unless the payload says otherwise. */
function checkZonename(payload: Payload, uuid: string): void {
  payload["zonename"] ??= uuid;
  if (!/^[0-9a-f-]{36}$/.test(String(payload["zonename"])))
    throw new UncaughtError("AssertionError: zonename must be a UUID");
}
