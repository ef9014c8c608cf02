// The head's record of a node, in the form CNAPI stores it (amqp-head-node.md 6.1): a heartbeat with the sums made.
import { z } from "zod";
import { MIB } from "../../util/units.ts";

const heartbeatSchema = z.looseObject({
  vms: z.record(z.string(), z.looseObject({ max_physical_memory: z.number().optional() })),
  meminfo: z.object({ availrmem_bytes: z.number(), arcsize_bytes: z.number(), total_bytes: z.number() }),
  diskinfo: z.record(z.string(), z.number()),
  transport: z.string().optional(),
});

const recordSchema = z.looseObject({
  uuid: z.string(),
  reservation_ratio: z.number().min(0).max(1).default(0),
  sysinfo: z.looseObject({ "MiB of Memory": z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]) }).optional(), // prettier-ignore
});

export type ServerRecord = Readonly<Record<string, unknown>> & { readonly uuid: string };

export interface HeartbeatOutcome {
  readonly record: ServerRecord;
  /** The node's memory is not known: ask for its sysinfo. */
  readonly wantsSysinfo: boolean;
}

/**
 * The record after a heartbeat. Without a sysinfo the figures of memory are left alone. A zone without a limit counts as
 * none, where one such made the whole figure disappear. Undefined for what is no heartbeat.
 */
export function recordHeartbeat(record: ServerRecord, heartbeat: unknown, at: Date): HeartbeatOutcome | undefined {
  const told = heartbeatSchema.safeParse(heartbeat).data;
  const known = recordSchema.safeParse(record).data;
  if (told === undefined || known === undefined) return undefined;
  const memoryMiB = known.sysinfo?.["MiB of Memory"];
  return {
    record: {
      ...record,
      vms: told.vms,
      ...(memoryMiB === undefined ? {} : memoryFigures(told, memoryMiB, known.reservation_ratio)),
      ...Object.fromEntries(Object.entries(told.diskinfo).map(([key, value]) => [`disk_${key}`, value])),
      ...(told.transport === undefined ? {} : { transport: told.transport }),
      status: "running",
      last_heartbeat: at.toISOString(),
    },
    wantsSysinfo: memoryMiB === undefined,
  };
}

function memoryFigures(
  { vms, meminfo }: z.output<typeof heartbeatSchema>,
  memoryMiB: number,
  reserved: number,
): Record<string, number> {
  const promised = Object.values(vms).reduce((sum, zone) => sum + (zone.max_physical_memory ?? 0), 0);
  return {
    memory_available_bytes: meminfo.availrmem_bytes,
    memory_arc_bytes: meminfo.arcsize_bytes,
    memory_total_bytes: meminfo.total_bytes,
    memory_provisionable_bytes: Math.floor(memoryMiB * MIB * (1 - reserved) - promised * MIB),
  };
}

/** Two beats of 5 s missed. */
export const SILENT_AFTER_MS = 10_000;

/** `unknown` from {@link SILENT_AFTER_MS} after the last heartbeat that *arrived*; a sample may be much older than that. */
export function serverStatus(lastHeartbeat: Date | undefined, now: Date): "running" | "unknown" {
  if (lastHeartbeat === undefined) return "unknown";
  return now.getTime() - lastHeartbeat.getTime() < SILENT_AFTER_MS ? "running" : "unknown";
}
