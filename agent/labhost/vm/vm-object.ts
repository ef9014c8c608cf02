// The zone object of `get`, composed of its parts (vmadm.md 9); pure.
import type { ExitRecord } from "./exit-record.ts";
import type { Payload } from "./json-text.ts";
import { nicForDisplay } from "./nics.ts";
import { brandFeatures } from "./properties.ts";
import { deriveState } from "./state.ts";
import type { ZoneConfig } from "./zone-config.ts";

/** init is gone while the zone is still going down. */
export const NO_PID = 4294967295;

export interface RuntimeFacts {
  readonly zoneState: string;
  readonly zoneid: number | undefined;
  readonly pid: number | undefined;
  readonly bootTimestamp: string | undefined;
}

export interface NodeFacts {
  readonly serverUuid: string;
  readonly platformBuildstamp: string;
}

export interface DatasetFacts {
  /** GiB; 0: none. */
  readonly quota: number;
  readonly compression: string;
  readonly recordsize: number;
  readonly snapshotLimit?: number;
  readonly filesystemLimit?: number;
  readonly indestructibleZoneroot: boolean;
  readonly indestructibleDelegated: boolean;
  /** Of the delegated dataset, where there is one. */
  readonly data?: { readonly compression: string; readonly recordsize: number };
  readonly snapshots: readonly Payload[];
}

export interface VmParts {
  readonly config: ZoneConfig;
  /** As zoneadm lists it. */
  readonly runtime: RuntimeFacts;
  readonly node: NodeFacts;
  readonly lastModified: Date;
  readonly exit: ExitRecord | undefined;
  readonly customerMetadata: Payload;
  readonly internalMetadata: Payload;
  readonly routes: Payload;
  readonly tags: Payload;
  readonly datasets: DatasetFacts | undefined;
}

export function composeVm(parts: VmParts): Payload & { uuid: string; zonepath: string } {
  const { config, runtime } = parts;
  const zoneState = runtime.zoneState === "installed" ? config.installState : runtime.zoneState;
  const { state, ...transition } = deriveState({
    zoneState,
    transition: config.transition,
    provisioning: config.provisioning === true,
    failed: config.failed !== undefined,
  });
  const booted = runtime.bootTimestamp !== undefined && zoneState !== config.installState;
  return {
    ...config.properties,
    ...(config.provisioning === true ? { provisioning: true } : {}),
    ...(config.failed === undefined ? {} : { failed: config.failed }),
    nics: config.nics.map(nicForDisplay),
    ...(config.filesystems.length > 0 ? { filesystems: config.filesystems } : {}),
    ...(config.datasets.length > 0 ? { datasets: config.datasets } : {}),
    uuid: config.uuid,
    zone_state: zoneState,
    zonepath: config.zonepath,
    hvm: brandFeatures(String(config.properties["brand"]))?.hvm ?? false,
    zoneid: runtime.zoneid ?? null,
    zonedid: config.zonedid,
    last_modified: wholeSeconds(parts.lastModified),
    ...(zoneState !== "running" ? parts.exit : {}),
    server_uuid: parts.node.serverUuid,
    platform_buildstamp: parts.node.platformBuildstamp,
    state,
    ...transition,
    ...(booted ? { boot_timestamp: runtime.bootTimestamp, init_restarts: 0, pid: runtime.pid ?? NO_PID } : {}),
    customer_metadata: parts.customerMetadata,
    internal_metadata: parts.internalMetadata,
    routes: parts.routes,
    tags: parts.tags,
    ...datasetFields(config, parts.datasets),
  };
}

function datasetFields(config: ZoneConfig, facts: DatasetFacts | undefined): Payload {
  if (!facts || config.installState !== "installed") return {};
  return {
    quota: facts.quota,
    ...(facts.compression === "off" ? {} : { zfs_root_compression: facts.compression }),
    zfs_root_recsize: facts.recordsize,
    ...dataFields(facts.data),
    ...(facts.filesystemLimit === undefined ? {} : { zfs_filesystem_limit: facts.filesystemLimit }),
    ...(facts.snapshotLimit === undefined ? {} : { zfs_snapshot_limit: facts.snapshotLimit }),
    ...(facts.indestructibleZoneroot ? { indestructible_zoneroot: true } : {}),
    ...(facts.indestructibleDelegated ? { indestructible_delegated: true } : {}),
    zfs_filesystem: config.zonepath.slice(1),
    zpool: config.zonepath.split("/")[1],
    snapshots: facts.snapshots,
  };
}

function dataFields(data: DatasetFacts["data"]): Payload {
  if (!data) return {};
  return {
    ...(data.compression === "off" ? {} : { zfs_data_compression: data.compression }),
    zfs_data_recsize: data.recordsize,
  };
}

export function wholeSeconds(time: Date): string {
  return new Date(Math.floor(time.getTime() / 1000) * 1000).toISOString();
}
