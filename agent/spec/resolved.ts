// A container with nothing left to decide: the spec merged with its image's configuration and the node's defaults.
// `buildZoneManifest` turns it into a payload without asking anything else. Sizes are bytes, CPUs are cores; the
// platform's units come in at zoneinit/resources.ts only.
import type { FieldPlace } from "./problem.ts";
import type { Healthcheck } from "./healthcheck.ts";
import type { AccountLines } from "./added-accounts.ts";
import type { ContainerName, ImageUuid, ZoneUuid } from "../util/ids.ts";
import type { VolumePlace } from "./volume-place.ts";

export interface ResolvedNic {
  readonly nicTag: string;
  /** CIDR or `dhcp`. */
  readonly ips: readonly string[];
  readonly gateway?: string;
  readonly vlan?: number;
  readonly mac?: string;
  readonly mtu?: number;
}

export interface ResolvedMount {
  readonly type: "bind" | "volume";
  /** Absolute path in the global zone (bind), or the uuid of a volume to be made inside the zone's dataset. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** The volume of the node that is mounted. */
  readonly volume?: VolumeUse;
  /** How the directory of a volume inside the zone's dataset looks before the container first runs. */
  readonly owner?: DirectoryOwner;
}

/** A volume of the node as one container uses it. */
export interface VolumeUse {
  readonly place: VolumePlace;
  /** Directory below the volume's that is mounted; empty for the whole. */
  readonly subpath: string;
  readonly readOnly: boolean;
  /** Directory of the image an empty volume gets its content from. */
  readonly copyFrom?: string;
  /** Quota, where the volume is made for this container. */
  readonly sizeBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** It is not made when it is missing. */
  readonly existing?: boolean;
  readonly owner?: DirectoryOwner;
}

export interface DirectoryOwner {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Mounted by the platform's container init, `vers=3,sec=sys` (dockerinit.md 3.2). */
export interface ResolvedNfs {
  /** `host:/path` */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Written into the zone's root before the container first runs. */
export interface ResolvedFile extends DirectoryOwner {
  readonly target: string;
  readonly content: string;
}

interface RestartPolicy {
  readonly policy: "no" | "always" | "on-failure";
  /** 0: without limit. */
  readonly maxRetries: number;
}

interface ResolvedLog {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface ResolvedContainer {
  readonly uuid: ZoneUuid;
  readonly name: string;
  /** 64 hex digits; the first 32 are the zone's uuid. */
  readonly dockerId: string;
  readonly image: {
    readonly uuid: ImageUuid;
    /** The reference as the person wrote it. */
    readonly name: string;
    /** Config digest, where the image has one. */
    readonly id?: string;
  };
  readonly kernelVersion: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `K=V`, one entry per name: the image's in their order, overridden in place, then the spec's own. */
  readonly env: readonly string[];
  /** As `docker:user` takes it; empty is root. */
  readonly user: string;
  /** Empty is `/`. */
  readonly workdir: string;
  readonly hostname: string;
  readonly domainname?: string;
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** uuid of the package its limits come from. */
  readonly package?: string;
  readonly memoryBytes: number;
  /** Memory plus swap. */
  readonly swapBytes: number;
  /** Of all processes together. */
  readonly lockedBytes: number;
  /** Of a memory file system at /tmp; 0: none. */
  readonly tmpfsBytes: number;
  readonly cpus?: number;
  /** Docker's weight. */
  readonly cpuShares?: number;
  /** The platform's own shares, as a package has them; absent where `cpuShares` is there. */
  readonly zoneShares?: number;
  readonly maxLwps: number;
  readonly ioPriority?: number;
  /** 0: no quota. */
  readonly diskBytes: number;
  readonly nics: readonly ResolvedNic[];
  readonly resolvers: readonly string[];
  readonly dnsSearch: readonly string[];
  /** `name:ip`. */
  readonly extraHosts: readonly string[];
  readonly mounts: readonly ResolvedMount[];
  readonly nfs: readonly ResolvedNfs[];
  readonly files: readonly ResolvedFile[];
  readonly labels: Readonly<Record<string, string>>;
  readonly restart: RestartPolicy;
  /** Absent: the spec says nothing about logging, which is json-file. */
  readonly log?: ResolvedLog;
  /** Bytes at which the log is rotated. */
  readonly logMaxSize: number;
  readonly stopSignal: string;
  readonly stopTimeoutMs: number;
  /** Delete the zone when its container has exited. */
  readonly autoRemove: boolean;
  readonly health?: Healthcheck;
  /** Lines the zone's passwd and group files need for `user`. */
  readonly accounts?: AccountLines;
  readonly firewallEnabled: boolean;
  /** Absent for a container that is alone in its document. */
  readonly group?: GroupPlace;
}

/** The place of a container among those of its document. */
export interface GroupPlace {
  readonly name: ContainerName;
  /** 0 is started first. */
  readonly order: number;
  /** `init` runs to its end, once, before the ones after it are started. */
  readonly role: "main" | "init";
  /** Containers of the group that have to get somewhere before this one is started. Started they are by the order. */
  readonly after: readonly GroupCondition[];
}

export interface GroupCondition {
  readonly container: ContainerName;
  readonly condition: "healthy" | "completed";
}

/** Which document decided a field and by what: the raw material of `explain`. */
export interface FieldOrigin {
  readonly from: "spec" | "image" | "package" | "node" | "derived";
  readonly why: string;
  /** The document's own words for it, for complaints that come later. */
  readonly place?: FieldPlace;
}

export type FieldOrigins = Readonly<Partial<Record<keyof ResolvedContainer, FieldOrigin>>>;
