// `docker inspect` as the Engine answers it, of a zone. Fields that have no meaning for a zone are what Docker says of a
// container that does not use them. What Docker has no field for stands under `Zone`.
import { MIB } from "../util/units.ts";
import { containerPorts, portMaps } from "./container-ports.ts";
import { binds, mountPoints, volumesOf } from "./engine-mounts.ts";
import { addressOf, endpoints, networkMode, primaryNic } from "./engine-networks.ts";
import { engineState } from "./engine-state.ts";
import type { ContainerFacts } from "./facts.ts";
import { labelsOfTags } from "./labels.ts";
import { linksOf, listOrNull } from "./sdc-inspect.ts";
import { NEVER } from "./status.ts";
import type { NodeSurroundings } from "./surroundings.ts";

/** Docker's weight for 100 zone shares. */
const WEIGHT_OF_100_SHARES = 1024;
/** Nanoseconds of CPU per second that one percent is. */
const NANOS_PER_PERCENT = 10_000_000;
/** A zone's I/O priority is a fifth of Docker's weight. */
const IO_WEIGHT = 5;

/** Domain of a zone for which none was asked. */
const PLATFORM_DOMAIN = "local";

export function engineInspect(facts: ContainerFacts, surroundings: NodeSurroundings): Record<string, unknown> {
  const [path = "", ...args] = [...facts.entrypoint, ...facts.cmd];
  const nic = primaryNic(facts);
  const ports = portMaps(containerPorts(facts, surroundings), nic?.address);
  return {
    Id: facts.id,
    Created: facts.createdAt?.toISOString() ?? NEVER,
    Path: path,
    Args: args,
    State: engineState(facts),
    Image: facts.imageId ?? facts.imageUuid ?? "",
    ResolvConfPath: `${facts.zonepath}/config/resolv.conf`,
    HostnamePath: `${facts.zonepath}/config/hostname`,
    HostsPath: `${facts.zonepath}/config/hosts`,
    LogPath: `${facts.zonepath}/logs/stdio.log`,
    Name: `/${facts.name}`,
    RestartCount: facts.restartCount ?? 0,
    Driver: "zfs",
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: null,
    HostConfig: hostConfig(facts, surroundings, ports.bindings),
    GraphDriver: { Name: "zfs", Data: { Dataset: facts.zonepath.replace(/^\//, ""), Mountpoint: facts.zonepath } },
    ...(surroundings.disk === undefined
      ? {}
      : { SizeRw: surroundings.disk.written, SizeRootFs: surroundings.disk.total }),
    Mounts: mountPoints(facts),
    Config: config(facts, surroundings, ports.exposed),
    NetworkSettings: {
      Bridge: "",
      SandboxID: "",
      SandboxKey: "",
      Ports: ports.settings,
      ...addressOf(nic),
      MacAddress: nic?.mac ?? "",
      Networks: endpoints(facts, surroundings),
    },
    Zone: {
      Uuid: facts.uuid,
      State: facts.state,
      ExitStatus: facts.exitStatus ?? null,
      ImageUuid: facts.imageUuid ?? null,
      Zonepath: facts.zonepath,
      QuotaGiB: facts.quotaGiB ?? null,
      Package: surroundings.packageName ?? null,
    },
  };
}

function hostConfig(
  facts: ContainerFacts,
  surroundings: NodeSurroundings,
  bindings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return {
    Binds: binds(facts),
    ContainerIDFile: "",
    LogConfig: { Type: facts.log.driver, Config: facts.log.options },
    NetworkMode: networkMode(facts, surroundings),
    PortBindings: bindings,
    RestartPolicy: {
      Name: facts.restartPolicy.name,
      MaximumRetryCount: facts.restartPolicy.maximumRetryCount,
    },
    AutoRemove: facts.autoRemove,
    VolumeDriver: "",
    VolumesFrom: facts.volumesFrom === undefined ? null : listOrNull(facts.volumesFrom),
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: "private",
    Dns: facts.resolvers ?? [],
    DnsOptions: [],
    DnsSearch: facts.dnsSearch ?? [],
    ExtraHosts: facts.extraHosts ?? null,
    GroupAdd: null,
    IpcMode: "private",
    Cgroup: "",
    Links: linksOf(facts, surroundings),
    OomScoreAdj: 0,
    PidMode: "",
    Privileged: false,
    PublishAllPorts: facts.publishAllPorts,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: "",
    UsernsMode: "",
    Runtime: "lx",
    Isolation: "",
    CpuShares: Math.round(((facts.cpuShares ?? 0) * WEIGHT_OF_100_SHARES) / 100),
    Memory: (facts.memoryMiB ?? 0) * MIB,
    NanoCpus: Math.round((facts.cpuCap ?? 0) * NANOS_PER_PERCENT),
    CgroupParent: "",
    BlkioWeight: (facts.ioPriority ?? 0) * IO_WEIGHT,
    CpuPeriod: 0,
    CpuQuota: 0,
    CpusetCpus: "",
    CpusetMems: "",
    Devices: [],
    MemoryReservation: 0,
    MemorySwap: (facts.swapMiB ?? 0) * MIB,
    MemorySwappiness: null,
    OomKillDisable: null,
    PidsLimit: facts.maxLwps ?? null,
    Ulimits: null,
  };
}

function config(
  facts: ContainerFacts,
  surroundings: NodeSurroundings,
  exposed: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return {
    Hostname: facts.hostname,
    Domainname: facts.domainname === PLATFORM_DOMAIN ? "" : facts.domainname,
    User: facts.user,
    AttachStdin: facts.flags.attachStdin,
    AttachStdout: facts.flags.attachStdout,
    AttachStderr: facts.flags.attachStderr,
    ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
    Tty: facts.flags.tty,
    OpenStdin: facts.flags.openStdin,
    StdinOnce: false,
    Env: facts.env ?? [],
    Cmd: listOrNull(facts.cmd),
    Image: facts.imageName ?? facts.imageId ?? facts.imageUuid ?? "",
    Volumes: volumesOf(facts),
    WorkingDir: facts.workdir,
    Entrypoint: listOrNull(facts.entrypoint),
    OnBuild: null,
    Labels: labelsOfTags(facts.tags, surroundings.packageName),
    ...(facts.stopSignal === undefined ? {} : { StopSignal: facts.stopSignal }),
    ...(facts.stopTimeoutS === undefined ? {} : { StopTimeout: facts.stopTimeoutS }),
  };
}
