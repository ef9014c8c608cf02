// A zone's configuration as the lab keeps it: the platform's XML, spelled with the names of the zone object.
import { textOf, type Payload } from "./json-text.ts";
import type { Nic } from "./nics.ts";

export interface Filesystem {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options?: readonly string[];
  readonly raw?: string;
}

export interface ZoneConfig {
  readonly uuid: string;
  readonly zonepath: string;
  readonly zonedid: number;
  /** What zoneadm says of a zone the kernel does not know. */
  readonly installState: "configured" | "incomplete" | "installed";
  /** Everything emitted before nics, in order of emission (vmadm.md 9). */
  readonly properties: Payload;
  readonly nics: readonly Nic[];
  readonly filesystems: readonly Filesystem[];
  readonly datasets: readonly string[];
  /** `name:target:expire` */
  readonly transition?: string;
  readonly provisioning?: boolean;
  readonly failed?: string;
}

// In the order in which vmadm adds attributes and resource controls.
const STORED = [
  "create_timestamp",
  "image_uuid",
  "cpu_shares",
  "max_lwps",
  "max_msg_ids",
  "max_sem_ids",
  "max_shm_ids",
  "max_shm_memory",
  "zfs_io_priority",
  "max_physical_memory",
  "max_locked_memory",
  "max_swap",
  "cpu_cap",
  "billing_id",
  "owner_uuid",
  "package_name",
  "package_version",
  "tmpfs",
  "hostname",
  "dns_domain",
  "do_not_inventory",
  "archive_on_delete",
  "maintain_resolvers",
  "docker",
  "firewall_enabled",
  "restart_init",
  "init_name",
  "kernel_version",
  "zlog_max_size",
  "resolvers",
  "internal_metadata_namespaces",
  "app_svc_dependent",
  "zlog_mode",
  "alias",
];

const ONLY_TRUE = ["docker", "do_not_inventory", "archive_on_delete", "maintain_resolvers", "app_svc_dependent"];
const ALWAYS_SHOWN: Payload = { firewall_enabled: false, resolvers: [] };
const REMOVED_BY_ZERO = ["cpu_cap"];

/** Keys a zone's configuration holds; others live in datasets or in files below config/. */
export function isStored(key: string): boolean {
  return STORED.includes(key) || ["autoboot", "brand", "limit_priv", "fs_allowed", "zonename"].includes(key);
}

/** Properties in order of emission, with what is absent by rule left out (vmadm.md 9, "presence"). */
export function storedProperties(values: Payload): Payload {
  const result: Payload = { zonename: values["zonename"], autoboot: values["autoboot"], brand: values["brand"] };
  result["limit_priv"] = joined(values["limit_priv"]) ?? "default";
  const fsAllowed = joined(values["fs_allowed"]);
  if (fsAllowed !== undefined) result["fs_allowed"] = fsAllowed;
  result["v"] = 1;
  for (const key of STORED) {
    const value = values[key] ?? ALWAYS_SHOWN[key];
    if (!isAbsent(key, value)) result[key] = value;
  }
  return result;
}

function isAbsent(key: string, value: unknown): boolean {
  if (key in ALWAYS_SHOWN) return false;
  if (value === undefined || value === null || value === "") return true;
  if (ONLY_TRUE.includes(key)) return value !== true;
  if (key === "restart_init") return value !== false;
  if (REMOVED_BY_ZERO.includes(key)) return value === 0;
  return key === "internal_metadata_namespaces" && Array.isArray(value) && value.length === 0;
}

/** `limit_priv` and `fs_allowed` load as comma text even when given as arrays. */
function joined(value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.map(String).join(",") : value;
  return typeof text === "string" && text !== "" ? text : undefined;
}

/** An empty option list loads back without the key. */
export function storedFilesystem(filesystem: Payload): Filesystem {
  const options = filesystem["options"];
  return {
    source: String(filesystem["source"]),
    target: String(filesystem["target"]),
    type: String(filesystem["type"]),
    ...(filesystem["raw"] === undefined ? {} : { raw: textOf(filesystem["raw"]) }),
    ...(Array.isArray(options) && options.length > 0 ? { options: options.map(String) } : {}),
  };
}
