// What Docker's views show of a zone, read once and for all from its record. Never fails: see zone-like.ts.
import { z } from "zod";
import { exitStatus, type ExitStatus } from "../vmadm/exit-status.ts";
import { DOCKER_KEYS as KEY, MARK_KEYS as MARK } from "../zoneinit/metadata-keys.ts";
import type { PortSets } from "./firewall-ports.ts";
import { containerName, dockerId } from "./identity.ts";
import { parseRestartPolicy, type RestartPolicy } from "./restart-policy.ts";
import { count, finite, jsonText, ports, text, textMap, texts, time, type ZoneLike } from "./zone-like.ts";

export interface MountFacts {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Uuid of the volume, where the source is one in a zone's dataset. */
  readonly volume?: string;
  /** The volume is in this very zone's dataset and goes with it. */
  readonly own: boolean;
}

export interface NicFacts {
  readonly interface?: string | undefined;
  readonly nicTag?: string | undefined;
  readonly networkUuid?: string | undefined;
  readonly mac?: string | undefined;
  /** Without prefix; `dhcp` and `addrconf` are none. */
  readonly address?: string | undefined;
  readonly prefixLength?: number | undefined;
  readonly gateway?: string | undefined;
  readonly primary: boolean;
}

export interface ContainerFacts {
  readonly uuid: string;
  readonly id: string;
  readonly name: string;
  /** The zone's own alias; `name` where there is none is made of the id. */
  readonly alias: string | undefined;
  readonly state: string;
  readonly autoboot: boolean;
  readonly ownerUuid: string | undefined;
  readonly serverUuid: string | undefined;
  readonly packageUuid: string | undefined;
  readonly imageUuid: string | undefined;
  readonly imageId: string | undefined;
  readonly imageName: string | undefined;
  readonly createdAt: Date | undefined;
  readonly bootedAt: Date | undefined;
  readonly exitedAt: Date | undefined;
  /** The platform's number, see vmadm/exit-status.ts. */
  readonly exitStatus: number | undefined;
  /** In Docker's numbers. */
  readonly exit: ExitStatus | undefined;
  /** Why the program never ran, in the words of the container's init. */
  readonly startError: string;
  readonly pid: number | undefined;
  /** When the platform will start it again by its restart policy. */
  readonly nextStart: Date | undefined;
  readonly health: HealthFacts | undefined;
  readonly hostname: string;
  readonly domainname: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[] | undefined;
  readonly user: string;
  readonly workdir: string;
  readonly flags: Readonly<Record<"tty" | "openStdin" | "attachStdin" | "attachStdout" | "attachStderr", boolean>>;
  readonly restartPolicy: RestartPolicy;
  /** Undefined: never started. */
  readonly restartCount: number | undefined;
  /** Milliseconds, as the last restart by policy left it. */
  readonly restartDelayMs: number | undefined;
  readonly log: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly resolvers: readonly string[] | undefined;
  readonly dnsSearch: readonly string[] | undefined;
  readonly extraHosts: readonly string[] | undefined;
  readonly unpublished: PortSets;
  readonly publishAllPorts: boolean;
  readonly volumesFrom: readonly string[] | undefined;
  readonly mounts: readonly MountFacts[];
  readonly nics: readonly NicFacts[];
  readonly tags: Readonly<Record<string, unknown>>;
  readonly zonepath: string;
  readonly memoryMiB: number | undefined;
  readonly swapMiB: number | undefined;
  readonly quotaGiB: number | undefined;
  readonly cpuShares: number | undefined;
  /** Percent of one CPU. */
  readonly cpuCap: number | undefined;
  readonly maxLwps: number | undefined;
  readonly ioPriority: number | undefined;
  readonly stopSignal: string | undefined;
  readonly stopTimeoutS: number | undefined;
  readonly autoRemove: boolean;
}

/** What its health checks said of a container; `unknown`: nobody runs them. */
export interface HealthFacts {
  readonly status: "starting" | "healthy" | "unhealthy" | "unknown";
  readonly failingStreak: number;
  readonly log: readonly {
    readonly start: string;
    readonly end: string;
    readonly exitCode: number;
    readonly output: string;
  }[];
}

/** What the zone's record does not tell of a run. */
export interface RunFacts {
  readonly startFailure?: StartFailure | undefined;
  /** The run was ended by SIGKILL, whatever the platform's status says. */
  readonly killed?: boolean | undefined;
  /** Undefined: its health is not checked. */
  readonly health?: HealthFacts | undefined;
  readonly nextStart?: Date | undefined;
}

/** Pid while init is gone and the zone is going down. */
const NO_INIT = 4_294_967_295;

const object = z.record(z.string(), z.unknown()).catch({});
const objects = z.array(object).catch([]);

/** What the container's init said when it, not the program, ended the container. */
export interface StartFailure {
  readonly message: string;
  /** Docker's code for it, 126 or 127, where it has one. */
  readonly code: number | undefined;
}

/** `run`: of the run that `zone` tells of. */
export function containerFacts(zone: ZoneLike, run: RunFacts = {}): ContainerFacts {
  const { startFailure } = run;
  const metadata = object.parse(zone["internal_metadata"]);
  const status = finite(zone["exit_status"]);
  const zonepath = text(zone["zonepath"]) ?? `/zones/${zone.uuid}`;
  const running = zone.state === "running";
  return {
    uuid: zone.uuid,
    id: dockerId(zone),
    name: containerName(zone),
    alias: text(zone["alias"]),
    state: zone.state,
    autoboot: zone["autoboot"] === true,
    ownerUuid: text(zone["owner_uuid"]),
    serverUuid: text(zone["server_uuid"]),
    packageUuid: text(zone["billing_id"]),
    imageUuid: text(zone["image_uuid"]),
    imageId: text(metadata[KEY.imageId]),
    imageName: text(metadata[KEY.imageName]),
    createdAt: time(zone["create_timestamp"]),
    bootedAt: time(zone["boot_timestamp"]),
    exitedAt: time(zone["exit_timestamp"]),
    exitStatus: status,
    exit: status === undefined ? undefined : exitOf(run.killed === true ? KILLED : status, startFailure),
    nextStart: run.nextStart,
    health: run.health,
    startError: startFailure?.message ?? "",
    // The last run's stays in a head node's record.
    pid: running && zone["pid"] !== NO_INIT ? finite(zone["pid"]) : undefined,
    hostname: text(zone["hostname"]) ?? "",
    domainname: text(zone["dns_domain"]) ?? "",
    entrypoint: jsonText(metadata[KEY.entrypoint], texts) ?? [],
    cmd: jsonText(metadata[KEY.cmd], texts) ?? [],
    env: jsonText(metadata[KEY.env], texts),
    user: text(metadata[KEY.user]) ?? "",
    workdir: text(metadata[KEY.workdir]) ?? "",
    flags: {
      tty: metadata[KEY.tty] === true,
      openStdin: metadata[KEY.openStdin] === true,
      attachStdin: metadata["docker:attach_stdin"] === true,
      attachStdout: metadata["docker:attach_stdout"] === true,
      attachStderr: metadata["docker:attach_stderr"] === true,
    },
    restartPolicy: parseRestartPolicy(metadata[KEY.restartPolicy]),
    restartCount: count(metadata["docker:restartcount"]),
    restartDelayMs: count(metadata["docker:restartdelay"]),
    log: {
      driver: text(metadata[KEY.logDriver]) ?? "json-file",
      options: jsonText(metadata[KEY.logConfig], textMap) ?? {},
    },
    resolvers: texts.safeParse(zone["resolvers"]).data,
    dnsSearch: jsonText(metadata[KEY.dnsSearch], texts),
    extraHosts: jsonText(metadata[KEY.extraHosts], texts),
    unpublished: {
      tcp: new Set(jsonText(metadata["docker:tcp_unpublished_ports"], ports)),
      udp: new Set(jsonText(metadata["docker:udp_unpublished_ports"], ports)),
    },
    publishAllPorts: metadata["docker:publish_all_ports"] === true,
    volumesFrom: jsonText(metadata["docker:volumesfrom"], texts),
    mounts: objects.parse(zone["filesystems"]).flatMap((entry) => mountOf(entry, zonepath)),
    nics: objects.parse(zone["nics"]).map(nicOf),
    tags: object.parse(zone["tags"]),
    zonepath,
    memoryMiB: finite(zone["max_physical_memory"]),
    swapMiB: finite(zone["max_swap"]),
    quotaGiB: finite(zone["quota"]),
    cpuShares: finite(zone["cpu_shares"]),
    cpuCap: finite(zone["cpu_cap"]),
    maxLwps: finite(zone["max_lwps"]),
    ioPriority: finite(zone["zfs_io_priority"]),
    stopSignal: text(metadata[MARK.stopSignal]),
    stopTimeoutS: count(metadata[MARK.stopTimeout]),
    autoRemove: metadata[MARK.autoRemove] === true,
  };
}

/** The platform's number for SIGKILL. */
const KILLED = -9;

function exitOf(status: number, startFailure: StartFailure | undefined): ExitStatus {
  return startFailure?.code === undefined ? exitStatus(status) : { code: startFailure.code, coreDumped: false };
}

const VOLUME = /\/volumes\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

function mountOf(entry: Readonly<Record<string, unknown>>, zonepath: string): MountFacts[] {
  const [source, target, type] = [text(entry["source"]), text(entry["target"]), entry["type"] ?? "lofs"];
  if (source === undefined || target === undefined || type !== "lofs") return [];
  // vmadm's own: hosts, hostname and resolv.conf of every docker zone (sdc-docker.md 8).
  if (source.startsWith(`${zonepath}/config/`)) return [];
  const volume = VOLUME.exec(source)?.[1];
  const options = texts.safeParse(entry["options"]).data ?? [];
  return [
    {
      source,
      target,
      readOnly: options.includes("ro"),
      ...(volume === undefined ? {} : { volume }),
      own: volume !== undefined && source === `${zonepath}/volumes/${volume}`,
    },
  ];
}

function nicOf(nic: Readonly<Record<string, unknown>>): NicFacts {
  const ips = texts.safeParse(nic["ips"]).data ?? [];
  const [address, prefix] = (ips.find((ip) => ip.includes("/")) ?? text(nic["ip"]) ?? "").split("/");
  const fixed = address !== undefined && /^[0-9a-fA-F.:]+$/.test(address) ? address : undefined;
  return {
    interface: text(nic["interface"]),
    nicTag: text(nic["nic_tag"]),
    networkUuid: text(nic["network_uuid"]),
    mac: text(nic["mac"]),
    address: fixed,
    prefixLength: fixed === undefined ? undefined : (count(prefix) ?? prefixOfNetmask(text(nic["netmask"]))),
    gateway: text(nic["gateway"]) ?? texts.safeParse(nic["gateways"]).data?.[0],
    primary: nic["primary"] === true,
  };
}

/** 255.255.255.192 is /26. */
function prefixOfNetmask(netmask: string | undefined): number | undefined {
  const bytes = netmask?.split(".").map(Number) ?? [];
  if (bytes.length !== 4 || !bytes.every((byte) => byte >= 0 && byte <= 255)) return undefined;
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? bits.replaceAll("0", "").length : undefined;
}
