// A container with nothing left to decide: the spec merged with its image's configuration and the node's defaults.
// `buildZoneManifest` turns it into a payload without asking anything else.
import type { ImageUuid, ZoneUuid } from "../util/ids.ts";

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
  readonly type: "bind" | "volume" | "tmpfs";
  /** Absolute path in the global zone (bind), or the uuid of a volume to be made inside the zone's dataset. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface RestartPolicy {
  readonly policy: "no" | "always" | "on-failure";
  /** 0: without limit. */
  readonly maxRetries: number;
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
  /** `K=V`, image's first, then the spec's: the later wins inside dockerinit. */
  readonly env: readonly string[];
  readonly user: string;
  readonly workdir: string;
  readonly hostname: string;
  readonly domainname?: string;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly memoryMiB: number;
  readonly swapMiB: number;
  readonly tmpfsMiB: number;
  /** Percent of one CPU; 0 is no cap. */
  readonly cpuCap: number;
  readonly cpuShares: number;
  readonly maxLwps: number;
  readonly zfsIoPriority: number;
  readonly quotaGiB: number;
  readonly nics: readonly ResolvedNic[];
  readonly resolvers: readonly string[];
  readonly dnsSearch: readonly string[];
  /** `name:ip`. */
  readonly extraHosts: readonly string[];
  readonly mounts: readonly ResolvedMount[];
  readonly labels: Readonly<Record<string, string>>;
  readonly restart: RestartPolicy;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  /** Bytes; 0 never rotates. */
  readonly logMaxSize: number;
  readonly stopSignal: string;
  readonly stopTimeoutS: number;
  /** Delete the zone when its container has exited. */
  readonly autoRemove: boolean;
  readonly firewallEnabled: boolean;
}
