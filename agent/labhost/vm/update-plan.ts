// What an update changes (vmadm.md 3.11, 6, 7): pure, from the zone's present object and the payload.
import { coerceBooleans, coerceIntegers, coerceLists } from "./coerce.ts";
import { dragMemory } from "./defaults.ts";
import { applyDockerAtUpdate, dockerLogMode } from "./docker.ts";
import { planFilesystems } from "./update-filesystems.ts";
import type { Payload } from "./json-text.ts";
import { planNics, type NicPlan } from "./update-nics.ts";
import { accepts, ruleFor } from "./properties.ts";
import { checkRoutes } from "./routes.ts";
import { dropBadProperties, isBlank, validatePayload, type PayloadWorld } from "./validate.ts";
import { checkZfsValues, dataDatasetProperties, rootDatasetProperties } from "./zfs-values.ts";
import { isStored, type Filesystem } from "./zone-config.ts";
import type { Nic } from "./nics.ts";
import { VmError } from "./vm-error.ts";

export interface ObjectChange {
  readonly set: Payload;
  readonly remove: readonly string[];
}

export interface UpdatePlan {
  readonly internalMetadata: ObjectChange;
  readonly customerMetadata: ObjectChange;
  readonly tags: ObjectChange;
  readonly routes: ObjectChange;
  /** Stored properties to set; blank ones go. */
  readonly properties: Payload;
  readonly nics: NicPlan | undefined;
  readonly filesystems: readonly Filesystem[] | undefined;
  readonly datasetProperties: Readonly<Record<string, string>>;
  readonly dataProperties: Readonly<Record<string, string>>;
  readonly indestructible: { readonly zoneroot?: boolean; readonly delegated?: boolean };
  readonly rewriteHostFiles: boolean;
  /** Keys no update changes although the zone has them: vmadm waits for them in vain. */
  readonly stuck: readonly string[];
}

// The wait after an update leaves these out.
const EXEMPT = [
  "brand",
  "hvm",
  "last_modified",
  "server_uuid",
  "uuid",
  "zonename",
  "nics",
  "disks",
  "customer_metadata",
  "internal_metadata",
  "tags",
  "routes",
];

/** Raises VmError with the platform's words. `vm` is the object of `get`. */
export function planUpdate(vm: Payload, input: Payload, world: PayloadWorld, randomUuid: () => string): UpdatePlan {
  const brand = String(vm["brand"]);
  const payload = structuredClone(input);
  requireArrays(payload);
  coerceIntegers(payload);
  coerceLists(payload);
  applyDockerAtUpdate(vm, payload, randomUuid);
  const invalid = validatePayload(payload, brand, "update", world)?.bad_values ?? [];
  if (invalid.length > 0) throw new VmError(`Invalid value(s) for: ${invalid.join(",")}`);
  const change = dropBadProperties(payload, brand, "u");
  coerceBooleans(change);
  dragMemory(vm, change);
  checkZfsValues(change);
  const nics = planNics(vm, change);
  const routes = objectChange(change, "routes");
  checkRoutes(routes.set, nics?.nics ?? (vm["nics"] as readonly Nic[]));
  const internalMetadata = objectChange(change, "internal_metadata");
  return {
    internalMetadata,
    customerMetadata: objectChange(change, "customer_metadata"),
    tags: objectChange(change, "tags"),
    routes,
    properties: { ...storedOnly(change), ...logProperties(vm, change, internalMetadata) },
    nics,
    filesystems: planFilesystems(vm, change),
    datasetProperties: rootDatasetProperties(change),
    dataProperties: vm["datasets"] === undefined ? {} : dataDatasetProperties(change),
    indestructible: indestructible(change),
    rewriteHostFiles: vm["docker"] === true && touchesHosts(vm, internalMetadata.set),
    stuck: stuckKeys(vm, input, brand),
  };
}

function requireArrays(payload: Payload): void {
  for (const key of ["nics", "filesystems", "disks"])
    for (const verb of ["add", "update", "remove"]) {
      const name = `${verb}_${key}`;
      const value = payload[name];
      const asText = verb === "remove" && typeof value === "string";
      if (value !== undefined && !asText && !Array.isArray(value)) throw new VmError(`${name} must be an array.`);
    }
}

function objectChange(change: Payload, name: string): ObjectChange {
  const remove = change[`remove_${name}`];
  return {
    set: (change[`set_${name}`] ?? {}) as Payload,
    remove: Array.isArray(remove) ? remove.map(String) : [],
  };
}

export function applyObjectChange(object: Payload, { set, remove }: ObjectChange): Payload {
  return Object.fromEntries(Object.entries({ ...object, ...set }).filter(([key]) => !remove.includes(key)));
}

function storedOnly(change: Payload): Payload {
  return Object.fromEntries(Object.entries(change).filter(([key]) => isStored(key)));
}

/** The log mode follows tty and driver, whether they change or docker is switched on. */
function logProperties(vm: Payload, change: Payload, metadata: ObjectChange): Payload {
  if (vm["docker"] !== true && change["docker"] !== true) return {};
  const after = applyObjectChange((vm["internal_metadata"] ?? {}) as Payload, metadata);
  const { mode, appSvcDependent } = dockerLogMode(after);
  return mode === vm["zlog_mode"] ? {} : { zlog_mode: mode, app_svc_dependent: appSvcDependent };
}

function indestructible(change: Payload): { zoneroot?: boolean; delegated?: boolean } {
  const { indestructible_zoneroot: zoneroot, indestructible_delegated: delegated } = change;
  return {
    ...(typeof zoneroot === "boolean" && { zoneroot }),
    ...(typeof delegated === "boolean" && { delegated }),
  };
}

function touchesHosts(vm: Payload, set: Payload): boolean {
  const now = (vm["internal_metadata"] ?? {}) as Payload;
  return ["docker:linkHosts", "docker:extraHosts"].some((key) => set[key] !== undefined && set[key] !== now[key]);
}

function stuckKeys(vm: Payload, input: Payload, brand: string): string[] {
  return Object.keys(input).filter((key) => {
    if (EXEMPT.includes(key) || vm[key] === undefined || isBlank(vm[key])) return false;
    const rule = ruleFor(key);
    return !rule || !accepts(rule, brand, "u");
  });
}
