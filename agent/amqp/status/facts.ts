// What a report is made of: our own table of zones, and what the host says of itself. Who reads it is not our business.
import type { VmObject } from "../../vmadm/schema.ts";

export interface DatasetFacts {
  readonly usedBytes: number;
  /** 0 or absent: none. */
  readonly quotaBytes?: number | undefined;
  /** Of a volume. */
  readonly volumeBytes?: number | undefined;
}

export interface PoolFacts {
  readonly usedBytes: number;
  readonly availableBytes: number;
  /** `ONLINE`, `DEGRADED`, … */
  readonly health: string;
}

export interface NodeFacts {
  readonly zones: readonly VmObject[];
  readonly pools: ReadonlyMap<string, PoolFacts>;
  /** File systems and volumes by name. */
  readonly datasets: ReadonlyMap<string, DatasetFacts>;
  /** Images imgadm knows the manifest of; one with no more than a uuid is none. */
  readonly installedImages: ReadonlySet<string>;
  readonly memory: { readonly availableBytes: number; readonly arcBytes: number; readonly totalBytes: number };
  readonly bootedAt: Date;
  /** When the facts were complete. */
  readonly at: Date;
}
