// The two formats of a status: the heartbeater's of the AMQP days and cn-agent's (amqp-head-node.md 5, 12.2). The same
// keys, and different types behind some of them (trap 14).
import type { VmObject } from "../../vmadm/schema.ts";
import { GIB } from "../../util/units.ts";
import { diskInfo, type DiskInfo } from "./disk-info.ts";
import type { NodeFacts } from "./facts.ts";

const SHOWN = [
  "brand",
  "cpu_cap",
  "last_modified",
  "max_physical_memory",
  "owner_uuid",
  "quota",
  "state",
  "uuid",
  "zone_state",
] as const;

export interface MemoryInfo {
  readonly availrmem_bytes: number;
  readonly arcsize_bytes: number;
  readonly total_bytes: number;
}

interface Common {
  /** By uuid; hidden zones (do_not_inventory) are left out. */
  readonly vms: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly meminfo: MemoryInfo;
  readonly diskinfo: DiskInfo;
}

/** A heartbeat of old: pools as text in GiB with their health, times as numbers of seconds. */
export interface HeartbeatBody extends Common {
  readonly zpoolStatus: readonly (readonly [name: string, size: string, used: string, health: string])[];
  readonly boot_time: number;
  readonly timestamp: number;
}

/** cn-agent's: pools in bytes without their health, times as ISO text. */
export interface StatusBody extends Common {
  readonly zpoolStatus: Readonly<Record<string, { readonly bytes_available: number; readonly bytes_used: number }>>;
  readonly boot_time: string;
  readonly timestamp: string;
}

export function heartbeatBody(facts: NodeFacts): HeartbeatBody {
  return {
    ...common(facts),
    zpoolStatus: [...facts.pools].map(([name, { usedBytes, availableBytes, health }]) => [
      name,
      gib(usedBytes + availableBytes),
      gib(usedBytes),
      health,
    ]),
    boot_time: Math.floor(facts.bootedAt.getTime() / 1000),
    timestamp: facts.at.getTime() / 1000,
  };
}

export function statusBody(facts: NodeFacts): StatusBody {
  return {
    ...common(facts),
    zpoolStatus: Object.fromEntries(
      [...facts.pools].map(([name, { usedBytes, availableBytes }]) => [
        name,
        { bytes_available: availableBytes, bytes_used: usedBytes },
      ]),
    ),
    boot_time: facts.bootedAt.toISOString(),
    timestamp: facts.at.toISOString(),
  };
}

function common(facts: NodeFacts): Common {
  const { memory } = facts;
  return {
    vms: Object.fromEntries(facts.zones.filter(isInventoried).map((zone) => [zone.uuid, shownZone(zone)])),
    meminfo: {
      availrmem_bytes: memory.availableBytes,
      arcsize_bytes: memory.arcBytes,
      total_bytes: memory.totalBytes,
    },
    diskinfo: diskInfo(facts),
  };
}

function isInventoried(zone: VmObject): boolean {
  return zone["do_not_inventory"] !== true;
}

function shownZone(zone: VmObject): Record<string, unknown> {
  return Object.fromEntries(SHOWN.flatMap((key) => (zone[key] === undefined ? [] : [[key, zone[key]]])));
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(2)}G`;
}
