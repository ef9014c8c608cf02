// `GET /containers/:id/json` as the predecessor answers it (sdc-docker.md 21).
import { DEFAULT_API, isAtLeast, type ApiVersion } from "./api-version.ts";
import { containerPorts, portMaps } from "./container-ports.ts";
import type { ContainerFacts } from "./facts.ts";
import { labelsOfTags } from "./labels.ts";
import { NEVER } from "./status.ts";
import type { Surroundings } from "./surroundings.ts";
import { MIB } from "../util/units.ts";

const NO_IMAGE = "<none>";

export function sdcInspect(
  facts: ContainerFacts,
  surroundings: Surroundings,
  api: ApiVersion = DEFAULT_API,
): Record<string, unknown> {
  const modern = isAtLeast(api, { major: 1, minor: 18 });
  const [path = "", ...args] = [...facts.entrypoint, ...facts.cmd];
  const ports = portMaps(containerPorts(facts, surroundings));
  const volumes = facts.mounts.filter((mount) => mount.volume !== undefined);
  const resources = {
    CpuShares: facts.cpuShares ?? 0,
    Memory: (facts.memoryMiB ?? 0) * MIB,
    MemorySwap: (facts.swapMiB ?? 0) * MIB,
  };
  return {
    Id: facts.id,
    Created: facts.createdAt?.toISOString() ?? 0,
    Config: {
      AttachStderr: facts.flags.attachStderr,
      AttachStdin: facts.flags.attachStdin,
      AttachStdout: facts.flags.attachStdout,
      ...resources,
      Cpuset: "",
      Domainname: facts.domainname,
      ExposedPorts: orNull(ports.exposed),
      Hostname: facts.hostname,
      Image: facts.imageName ?? facts.imageId ?? NO_IMAGE,
      MacAddress: "",
      NetworkDisabled: false,
      OnBuild: null,
      OpenStdin: facts.flags.openStdin,
      PortSpecs: null,
      SecurityOpt: null,
      StdinOnce: false,
      Tty: facts.flags.tty,
      User: facts.user,
      Volumes: orNull(Object.fromEntries(volumes.filter(({ own }) => own).map(({ target }) => [target, {}]))),
      WorkingDir: facts.workdir,
      Cmd: listOrNull(facts.cmd),
      Entrypoint: listOrNull(facts.entrypoint),
      ...(facts.env === undefined ? {} : { Env: facts.env }),
      ...(modern ? { Labels: orNull(labelsOfTags(facts.tags, surroundings.packageName)) } : { AppArmorProfile: "" }),
    },
    Path: path,
    Args: args,
    Driver: "sdc",
    ExecDriver: "sdc-0.1",
    HostConfig: {
      Binds: null,
      CapAdd: null,
      CapDrop: null,
      ContainerIDFile: "",
      Devices: [],
      Dns: facts.resolvers ?? null,
      DnsSearch: facts.dnsSearch ?? null,
      ExtraHosts: facts.extraHosts ?? null,
      IpcMode: "",
      Links: linksOf(facts, surroundings),
      LxcConf: [],
      NetworkMode: "bridge",
      PortBindings: ports.bindings,
      Privileged: false,
      PublishAllPorts: facts.publishAllPorts,
      RestartPolicy: {
        MaximumRetryCount: facts.restartPolicy.maximumRetryCount,
        Name: facts.restartPolicy.name === "no" ? "" : facts.restartPolicy.name,
      },
      VolumesFrom: listOrNull((facts.volumesFrom ?? []).map((uuid) => uuid.replaceAll("-", "").slice(0, 12))),
      ...(modern
        ? {
            ...resources,
            LogConfig: { Type: facts.log.driver, Config: facts.log.options },
            CgroupParent: "",
            CpusetCpus: "",
            PidMode: "",
            ReadonlyRootfs: false,
            SecurityOpt: null,
            Ulimits: null,
          }
        : {}),
    },
    Volumes: orNull(Object.fromEntries(volumes.map(({ target, source }) => [target, source]))),
    VolumesRW: orNull(Object.fromEntries(volumes.map(({ target, readOnly }) => [target, !readOnly]))),
    RestartCount: facts.restartCount ?? 0,
    HostnamePath: "/etc/hostname",
    HostsPath: "/etc/hosts",
    Image: facts.imageId ?? NO_IMAGE,
    MountLabel: "",
    Name: `/${facts.alias ?? ""}`,
    NetworkSettings: { ...primaryNic(facts), PortMapping: null, Ports: ports.settings },
    ProcessLabel: "",
    ResolvConfPath: "/etc/resolv.conf",
    State: {
      Error: "",
      ExitCode: facts.exitStatus ?? 0,
      FinishedAt: facts.exitedAt?.toISOString() ?? NEVER,
      OOMKilled: false,
      Paused: false,
      Pid: facts.pid ?? 0,
      Restarting: false,
      Running: facts.state === "running",
      StartedAt: facts.bootedAt?.toISOString() ?? NEVER,
    },
    ...(modern ? { ExecIDs: null } : {}),
  };
}

/** `/<target>:/<container>/<alias>` for each link of the container. */
export function linksOf(facts: ContainerFacts, { links }: Surroundings): readonly string[] | null {
  const own = links.filter((link) => link.containerUuid === facts.uuid);
  return listOrNull(own.map((link) => `/${link.targetName}:/${link.containerName}/${link.alias}`));
}

function primaryNic({ nics }: ContainerFacts): Record<string, unknown> {
  const nic = nics.find(({ primary }) => primary);
  if (nic === undefined) return {};
  return {
    Bridge: nic.interface ?? "",
    Gateway: nic.gateway ?? "",
    IPAddress: nic.address ?? "",
    IPPrefixLen: nic.prefixLength ?? 0,
    MacAddress: nic.mac ?? "",
  };
}

export function listOrNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

function orNull<T extends Readonly<Record<string, unknown>>>(map: T): T | null {
  return Object.keys(map).length === 0 ? null : map;
}
