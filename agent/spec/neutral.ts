// The neutral document: what every foreign format means, whatever it is written like (container-specs.md 1).
//
// Readers of formats (agent/spec/formats) end here; `neutral-containers.ts` goes on from here. Units are in the names:
// bytes, milliseconds, cores. `null` where a format's own default, the image or the node decides.
import type { SpecPath } from "./problem.ts";

export interface NeutralDocument {
  readonly format: FormatName;
  /** Project or pod; null if the format has none. */
  readonly name: string | null;
  /** In document order. */
  readonly apps: readonly NeutralApp[];
  /** Host name the apps share (pods). */
  readonly hostname?: string;
  /** Pod-wide. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  /** Host name → address. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  /** Pod-wide limits, same meaning as in an app. */
  readonly memoryBytes?: number;
  readonly memoryRequestBytes?: number;
  readonly cpuCores?: number;
  readonly cpuRequestCores?: number;
  readonly cpuShares?: number;
  readonly netBytesPerSecond?: number;
  /** Published ports that belong to no port of an app. */
  readonly ports?: readonly NeutralPort[];
  readonly stopTimeoutMs?: number;
  /** One process namespace wanted for all apps. */
  readonly sharePid?: boolean;
  /** Compose: services left out because none of their profiles is active. */
  readonly skipped?: readonly string[];
}

export type FormatName = "compose" | "k8s-pod" | "appc-pod" | "appc-image" | "oci-runtime" | "docker-create";

export interface NeutralApp {
  /** Where the app stands in its document. */
  readonly at: SpecPath;
  /**
   * Where a field's value stands when that is not just `at`: `memoryBytes` → `services.web.mem_limit`, `mounts[1]` →
   * `services.web.volumes[1]`. Complaints found later point there.
   */
  readonly places: Readonly<Record<string, SpecPath>>;
  /** Service, container or app; null when the caller gave none. */
  readonly name: string | null;
  /** Reference exactly as written; null for `oci-runtime`, whose root file system lies there already. */
  readonly image: string | null;
  /** The command is `entrypoint` followed by `args`. null: the image's; empty: empty, whatever the image says. */
  readonly entrypoint: readonly string[] | null;
  readonly args: readonly string[] | null;
  /** After all expansion the format does. null: remove what the image sets. */
  readonly env: Readonly<Record<string, string | null>>;
  /** `user`, `user:group`, `uid` or `uid:gid`; null: the image's. */
  readonly user: string | null;
  readonly cwd: string | null;
  /** Hard limit. */
  readonly memoryBytes: number | null;
  /** Hard limit, rounded up to thousandths. */
  readonly cpuCores: number | null;
  /** Relative weight as written. */
  readonly cpuShares: number | null;
  readonly ports: readonly NeutralPort[];
  readonly mounts: readonly NeutralMount[];
  readonly restart: NeutralRestart;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string | null;
  /** Supplementary groups. */
  readonly groups?: readonly string[];
  readonly memoryRequestBytes?: number;
  readonly cpuRequestCores?: number;
  /** Memory plus swap; -1 is unlimited. */
  readonly swapBytes?: number;
  readonly pidsLimit?: number;
  readonly diskBytes?: number;
  readonly netBytesPerSecond?: number;
  /** Block I/O, 10 to 1000; 500 is normal. */
  readonly ioWeight?: number;
  readonly dependsOn?: readonly NeutralDependency[];
  /** Apps of the document, or containers of the node, whose mounts are seen here, too. */
  readonly volumesFrom?: readonly NeutralLender[];
  /** null: the image's check is switched off. */
  readonly health?: NeutralHealth | null;
  readonly probes?: Readonly<Partial<Record<"liveness" | "readiness" | "startup", NeutralProbe>>>;
  /** Argument vectors. */
  readonly hooks?: Readonly<Partial<Record<"preStart" | "postStop" | "postStart" | "preStop", readonly string[]>>>;
  /** Kubernetes. `init`: runs to its end before the rest; `sidecar`: starts with the init apps and stays. */
  readonly role?: "main" | "init" | "sidecar";
  /** Variables known only once the pod runs: name → field path. */
  readonly envLate?: Readonly<Record<string, string>>;
  /** App Container. */
  readonly imageId?: string;
  readonly imageLabels?: Readonly<Record<string, string>>;
  readonly mountPoints?: readonly { readonly name: string; readonly target: string; readonly readOnly: boolean }[];
  readonly dependencies?: readonly string[];
  /** OCI runtime: the root file system's directory, and Solaris privileges. */
  readonly rootfs?: string;
  readonly limitPriv?: string;
  readonly containerName?: string;
  readonly domainname?: string;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly extraHosts?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  /** No nic at all. */
  readonly network?: "none";
  /** Networks by name, where the format has them. */
  readonly networks?: readonly NeutralNetwork[];
  readonly stopSignal?: string;
  readonly stopTimeoutMs?: number;
  readonly tty?: boolean;
  readonly stdin?: boolean;
  readonly autoRemove?: boolean;
  /** Root is refused as user. */
  readonly requireNonRoot?: boolean;
}

export interface NeutralNetwork {
  readonly name: string;
  readonly ip?: string;
}

export interface NeutralPort {
  /** First of `count` consecutive ports. */
  readonly container: number;
  readonly count: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** First host port; 0: any free one; null: exposed only. */
  readonly host: number | null;
  /** End of a host range to choose from. */
  readonly hostTo?: number;
  readonly hostIp: string | null;
  readonly name: string | null;
}

export interface NeutralMount {
  /** `volume`: named, or anonymous with source null. `empty`: lives as long as the pod. `file`: `content` inline. */
  readonly type: "bind" | "volume" | "empty" | "tmpfs" | "nfs" | "file";
  readonly source: string | null;
  readonly target: string;
  readonly readOnly: boolean;
  /** The volume's name is its project's: others may have one of that name. */
  readonly scoped?: boolean;
  /** Labels of a named volume that is made for the app; where `existing`, it has to be there already. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly existing?: boolean;
  readonly content?: string;
  readonly sizeBytes?: number;
  readonly subpath?: string;
  /** Octal text, e.g. `0755`. */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface NeutralRestart {
  readonly policy: "no" | "always" | "on-failure" | "unless-stopped";
  /** null: without limit. */
  readonly maxRetries: number | null;
}

export interface NeutralLender {
  readonly kind: "app" | "container";
  readonly name: string;
  readonly readOnly: boolean;
}

export interface NeutralDependency {
  readonly app: string;
  readonly condition: "started" | "healthy" | "completed";
}

/** Absent fields are the image's, else Docker's defaults. */
export interface NeutralHealth {
  readonly exec?: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

export interface NeutralProbe {
  readonly type: "exec" | "httpGet" | "tcpSocket" | "grpc";
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** Thresholds: results in a row. */
  readonly success: number;
  readonly failure: number;
  readonly exec?: readonly string[];
  readonly port?: number;
  readonly path?: string;
  readonly scheme?: "HTTP" | "HTTPS";
  readonly host?: string;
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}
