// Stage A: the body of a create request, checked in the predecessor's order, where the first failure wins
// (sdc-docker.md 2). What it does not look at is not looked at here either, but for fields whose type it only assumed:
// those are refused in its manner instead of failing later.
import { parseBinds, type Bind } from "./binds.ts";
import { parseLogConfig, type LogConfig } from "./log-config.ts";
import { flagOf, isMembers, member, membersOf, textOf, textsOf, type Members } from "./members.ts";
import { refuseNetworkMode } from "./networks.ts";
import { parsePortBindings, type PublishedPort } from "./ports.ts";
import { invalid } from "./refuse.ts";
import { parseRestartPolicy } from "./restart.ts";
import { checkVolumePaths } from "./volumes.ts";

export interface CreateBody {
  readonly image: string;
  readonly name: string | undefined;
  readonly hostname: string;
  readonly domainname: string;
  readonly cmd: readonly string[] | undefined;
  readonly entrypoint: readonly string[] | undefined;
  readonly env: readonly string[] | undefined;
  readonly user: string;
  readonly workdir: string;
  readonly flags: Readonly<Record<"tty" | "openStdin" | "attachStdin" | "attachStdout" | "attachStderr", boolean>>;
  /** Values are checked with the labels' other rules, all at once. */
  readonly labels: Members;
  /** Bytes; whatever is no number counts as absent, and so does 0. */
  readonly memory: number | undefined;
  /** Metadata text of the policy; undefined for none. */
  readonly restartPolicy: string | undefined;
  readonly log: LogConfig | undefined;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly extraHosts: readonly string[] | undefined;
  readonly links: readonly string[];
  readonly networkMode: string;
  readonly publishAllPorts: boolean;
  readonly ports: readonly PublishedPort[];
  /** Paths as given. */
  readonly volumes: readonly string[];
  readonly volumesFrom: readonly string[] | undefined;
  readonly binds: readonly Bind[];
}

/** Raises the refusal of the first thing that is wrong. `logDrivers` are those the service has switched on. */
export function parseCreateBody(body: unknown, logDrivers: readonly string[]): CreateBody {
  if (!isMembers(body)) throw invalid('"body" must be an object');
  const image = textOf(body, "Image");
  if (image === undefined) throw invalid('"Image" must be a string');
  const host = membersOf(body, "HostConfig");
  if (host === undefined) throw invalid('"HostConfig" must be an object');
  const name = textOf(body, "Name");
  const cmd = textsOf(body, "Cmd");
  const env = textsOf(body, "Env");
  const entrypoint = textsOf(body, "Entrypoint");
  const links = textsOf(host, "Links", "HostConfig.Links") ?? [];
  // Reported under this name by the original.
  const extraHosts = textsOf(host, "ExtraHosts", "HostConfig.Entrypoint");
  const publishAllPorts = flagOf(host, "PublishAllPorts", "HostConfig.PublishAllPorts") ?? false;
  const bindings = membersOf(host, "PortBindings", "HostConfig.PortBindings");
  const logConfig = membersOf(host, "LogConfig", "HostConfig.LogConfig");
  const networkMode = textOf(host, "NetworkMode", "HostConfig.NetworkMode") ?? "";
  refuseNetworkMode(networkMode);
  const volumes = Object.keys(membersOf(body, "Volumes") ?? {});
  checkVolumePaths(volumes);
  refuseNetworkMode(networkMode, links);
  const ports = parsePortBindings(bindings ?? {});
  const log = logConfig && parseLogConfig(logConfig, logDrivers);
  const binds = parseBinds(textsOf(body, "Binds") ?? textsOf(host, "Binds", "HostConfig.Binds") ?? []);
  return {
    image,
    name,
    hostname: textOf(body, "Hostname") ?? "",
    domainname: textOf(body, "Domainname") ?? "",
    cmd,
    entrypoint,
    env,
    user: textOf(body, "User") ?? "",
    workdir: textOf(body, "WorkingDir") ?? "",
    flags: {
      tty: Boolean(member(body, "Tty")),
      openStdin: Boolean(member(body, "OpenStdin")),
      attachStdin: Boolean(member(body, "AttachStdin")),
      attachStdout: Boolean(member(body, "AttachStdout")),
      attachStderr: Boolean(member(body, "AttachStderr")),
    },
    labels: membersOf(body, "Labels") ?? {},
    memory: memoryOf(member(host, "Memory")),
    restartPolicy: parseRestartPolicy(
      membersOf(body, "RestartPolicy") ?? membersOf(host, "RestartPolicy", "HostConfig.RestartPolicy"),
    ),
    log,
    dns: textsOf(host, "Dns", "HostConfig.Dns") ?? [],
    dnsSearch: textsOf(host, "DnsSearch", "HostConfig.DnsSearch") ?? [],
    extraHosts,
    links,
    networkMode,
    publishAllPorts,
    ports,
    volumes,
    volumesFrom: textsOf(body, "VolumesFrom") ?? textsOf(host, "VolumesFrom", "HostConfig.VolumesFrom"),
    binds,
  };
}

function memoryOf(value: unknown): number | undefined {
  const bytes = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof bytes === "number" && Number.isFinite(bytes) && bytes !== 0 ? bytes : undefined;
}
