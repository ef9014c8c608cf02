// What create fills in (vmadm.md 6) and how memory values are kept in order.
import type { Payload } from "./json-text.ts";
import { isBlank } from "./validate.ts";

const NOBODY = "00000000-0000-0000-0000-000000000000";
const CPU_SHARES_MAX = 65535;
const MAX_SWAP_MIN = 256;

/** Fills in what is missing; blank values count as missing, except that a blank quota means none. */
export function applyCreateDefaults(payload: Payload): void {
  if ("quota" in payload && isBlank(payload["quota"])) payload["quota"] = 0;
  for (const key of Object.keys(payload)) if (payload[key] === null || payload[key] === "") unset(payload, key);
  fill(payload, "owner_uuid", NOBODY);
  fill(payload, "billing_id", NOBODY);
  fill(payload, "autoboot", true);
  fill(payload, "zpool", "zones");
  fill(payload, "dns_domain", "local");
  fill(payload, "cpu_shares", 100);
  fill(payload, "zfs_io_priority", 100);
  fill(payload, "max_lwps", 2000);
  fill(payload, "ram", 256);
  fill(payload, "max_physical_memory", payload["ram"]);
  const memory = payload["max_physical_memory"];
  fill(payload, "max_locked_memory", memory);
  fill(payload, "max_swap", typeof memory === "number" ? Math.max(memory, MAX_SWAP_MIN) : memory);
  fill(payload, "tmpfs", memory);
  fill(payload, "max_shm_memory", memory);
  for (const key of ["max_msg_ids", "max_sem_ids", "max_shm_ids"]) fill(payload, key, 4096);
  fill(payload, "limit_priv", ["default"]);
  fill(payload, "quota", 10);
  if (payload["zfs_root_recsize"] === 0) unset(payload, "zfs_root_recsize");
  if (payload["zfs_data_recsize"] === 0) unset(payload, "zfs_data_recsize");
}

/** Brings explicit values into the order the platform wants, without a word. After validation. */
export function clampMemory(payload: Payload): void {
  const memory = payload["max_physical_memory"];
  if (typeof memory === "number") {
    clamp(payload, "max_locked_memory", (value) => Math.min(value, memory));
    clamp(payload, "tmpfs", (value) => Math.min(value, memory));
    clamp(payload, "max_swap", (value) => Math.max(value, memory));
  }
  clamp(payload, "cpu_shares", (value) => Math.min(value, CPU_SHARES_MAX));
}

/**
 * An update of max_physical_memory drags others along: locked and swap keep their distance, tmpfs its ratio,
 * max_shm_memory stays (vmadm.md 6).
 */
export function dragMemory(current: Payload, change: Payload): void {
  if (change["max_physical_memory"] === undefined && change["ram"] !== undefined)
    change["max_physical_memory"] = change["ram"];
  const before = current["max_physical_memory"];
  const after = change["max_physical_memory"];
  if (typeof after === "number" && typeof before === "number" && after !== before) {
    for (const key of ["max_locked_memory", "max_swap"]) {
      const value = current[key];
      if (typeof value === "number") fill(change, key, Math.max(0, after + (value - before)));
    }
    const tmpfs = current["tmpfs"];
    if (typeof tmpfs === "number" && before > 0) fill(change, "tmpfs", Math.round((tmpfs / before) * after));
  }
  const merged: Payload = {};
  for (const key of ["max_physical_memory", "max_locked_memory", "max_swap", "tmpfs"])
    if (change[key] !== undefined || current[key] !== undefined) merged[key] = change[key] ?? current[key];
  clampMemory(merged);
  for (const key of Object.keys(merged)) if (change[key] !== undefined) change[key] = merged[key];
}

function clamp(payload: Payload, key: string, limit: (value: number) => number): void {
  const value = payload[key];
  if (typeof value === "number") payload[key] = limit(value);
}

function fill(payload: Payload, key: string, value: unknown): void {
  if (payload[key] === undefined) payload[key] = value;
}

function unset(payload: Payload, key: string): void {
  Reflect.deleteProperty(payload, key);
}
