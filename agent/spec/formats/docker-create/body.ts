// The schema of a body of `POST /containers/create`, as far as a zone takes it over, and the decisions about the rest
// (container-specs.md 3).
import { isIP } from "node:net";
import { z } from "zod";
import { text } from "../../fields.ts";
import { absentable, absentableInteger, absentableText, absolutePath, flag, listOf, mapOf } from "../go-json.ts";
import { dropped, isGiven, refused, warned, type Decisions } from "../open-document.ts";

/** A list; older engines take one string, which is one word. */
const command = z
  .union([z.array(text), text.transform((word) => [word])])
  .nullish()
  .transform((words) => words ?? undefined);

const notNegative = absentableInteger.refine((value) => value === undefined || value >= 0, "must not be negative");

/** Nanoseconds; 0 is the image's. */
const nanoseconds = notNegative.refine(
  (value) => value === undefined || value >= 1_000_000,
  "must be 0 or at least 1000000 (1 ms): it counts nanoseconds",
);

const healthcheck = z.strictObject({
  Test: listOf(text),
  Interval: nanoseconds,
  Timeout: nanoseconds,
  StartPeriod: nanoseconds,
  StartInterval: nanoseconds,
  Retries: notNegative,
});
export type DockerHealthcheck = z.output<typeof healthcheck>;

const mount = z.strictObject({
  Type: z.enum(["bind", "volume", "tmpfs", "image", "npipe", "cluster"]),
  Source: absentableText,
  Target: absolutePath,
  ReadOnly: flag,
  BindOptions: absentable(z.strictObject({})),
  VolumeOptions: absentable(z.strictObject({ Subpath: absentableText })),
  TmpfsOptions: absentable(z.strictObject({ SizeBytes: notNegative, Mode: notNegative })),
});
export type DockerMount = z.output<typeof mount>;

const portBinding = z.strictObject({
  HostIp: absentableText.refine((ip) => ip === undefined || isIP(ip) !== 0, "must be an IP address"),
  HostPort: absentableText,
});

const restartPolicy = z
  .strictObject({
    Name: z.enum(["", "no", "always", "unless-stopped", "on-failure"]).nullish(),
    MaximumRetryCount: notNegative,
  })
  .check(({ value, issues }) => {
    if (value.MaximumRetryCount !== undefined && Boolean(value.Name) && value.Name !== "on-failure")
      issues.push({
        code: "custom",
        input: value,
        path: ["MaximumRetryCount"],
        message: "is for the policy on-failure only",
      });
  });

const hostConfig = z.strictObject({
  Binds: listOf(text),
  Mounts: listOf(mount),
  Tmpfs: mapOf(text),
  Memory: notNegative,
  MemorySwap: absentableInteger,
  MemoryReservation: notNegative,
  NanoCpus: notNegative,
  CpuQuota: absentableInteger,
  CpuPeriod: notNegative,
  CpuShares: notNegative,
  PidsLimit: absentableInteger,
  BlkioWeight: notNegative.refine(
    (weight) => weight === undefined || (weight >= 10 && weight <= 1000),
    "must be from 10 to 1000",
  ),
  PortBindings: mapOf(listOf(portBinding)),
  PublishAllPorts: flag,
  RestartPolicy: absentable(restartPolicy),
  AutoRemove: flag,
  Dns: listOf(text.refine((ip) => isIP(ip) !== 0, "must be an IP address")),
  DnsSearch: listOf(text),
  ExtraHosts: listOf(text.regex(/^[^:\s]+:\S+$/, "must be NAME:ADDRESS")),
  NetworkMode: absentableText,
  LogConfig: absentable(z.strictObject({ Type: absentableText, Config: mapOf(text) })),
  GroupAdd: listOf(text),
  Annotations: mapOf(text),
});
export type DockerHostConfig = z.output<typeof hostConfig>;
export const NO_HOST_CONFIG: DockerHostConfig = hostConfig.parse({});

/** What the engine reports of an endpoint comes back in requests, so other keys say nothing. */
const endpoint = z.looseObject({
  IPAMConfig: absentable(z.looseObject({ IPv4Address: absentableText })),
});
export type DockerEndpoint = z.output<typeof endpoint>;

export const createBody = z.strictObject({
  Image: text.min(1, "must not be empty"),
  Cmd: command,
  Entrypoint: command,
  Env: listOf(text.regex(/^[^=]/, "must be NAME=value, or NAME to remove what the image sets")),
  User: absentableText,
  WorkingDir: absentableText.pipe(absolutePath.optional()),
  Labels: mapOf(text),
  Hostname: absentableText,
  Domainname: absentableText,
  ExposedPorts: mapOf(z.unknown()),
  Volumes: mapOf(z.unknown()),
  Tty: flag,
  OpenStdin: flag,
  StopSignal: absentableText,
  StopTimeout: absentable(z.int().min(-1, "must not be negative")),
  Healthcheck: absentable(healthcheck),
  NetworkDisabled: flag,
  HostConfig: absentable(hostConfig),
  NetworkingConfig: absentable(z.strictObject({ EndpointsConfig: mapOf(absentable(endpoint)) })),
});
export type CreateBody = z.output<typeof createBody>;

const PRIVILEGES = "a zone's privileges are fixed by its brand";
const PROCESSORS = "a zone's processors cannot be picked; CpuQuota or NanoCpus caps it";
const REALTIME = "there is no real-time share per zone";
const DEVICES = "a zone has the devices of its brand and no others";
const RATES = "block device rates are not limited per zone; BlkioWeight weighs it";
const OOM = "memory is capped per zone, no process is chosen to be killed";
const MASKS = "a zone's /proc shows what its brand lets it show";
const KERNEL = "has no equivalent in a zone's memory cap";
const NAMESPACE = "a zone cannot share the host's or another container's namespace";
const PROPAGATION = "mounts do not spread between a zone and its host";

const shares = (value: unknown): boolean =>
  value === "host" || (typeof value === "string" && /^container:/.test(value));

export const DOCKER_DECISIONS: Decisions = {
  "": {
    StdinOnce: dropped,
    AttachStdin: dropped,
    AttachStdout: dropped,
    AttachStderr: dropped,
    Shell: dropped,
    OnBuild: dropped,
    ArgsEscaped: dropped,
    MacAddress: warned("a nic's address is chosen by the platform"),
  },
  HostConfig: {
    Privileged: refused("a zone cannot be given the host's privileges"),
    Devices: refused(DEVICES),
    DeviceRequests: refused(DEVICES),
    DeviceCgroupRules: refused(DEVICES),
    VolumesFrom: refused("volumes of another container cannot be taken over; name them"),
    PidMode: refused(NAMESPACE, shares),
    IpcMode: refused(NAMESPACE, shares),
    UTSMode: refused(NAMESPACE, shares),
    CgroupnsMode: refused(NAMESPACE, shares),
    CapAdd: warned(PRIVILEGES),
    CapDrop: warned(PRIVILEGES),
    Capabilities: warned(PRIVILEGES),
    SecurityOpt: warned("there is no mandatory access control and no filter of system calls in a zone"),
    ReadonlyRootfs: warned("the root file system of a zone is writable"),
    MaskedPaths: warned(MASKS, isGiven),
    ReadonlyPaths: warned(MASKS, isGiven),
    OomScoreAdj: warned(OOM),
    OomKillDisable: warned(OOM),
    MemorySwappiness: warned(KERNEL, (value) => isGiven(value) && value !== -1),
    KernelMemory: warned(KERNEL),
    KernelMemoryTCP: warned(KERNEL),
    CpusetCpus: warned(PROCESSORS),
    CpusetMems: warned(PROCESSORS),
    CpuRealtimePeriod: warned(REALTIME),
    CpuRealtimeRuntime: warned(REALTIME),
    BlkioWeightDevice: warned(RATES),
    BlkioDeviceReadBps: warned(RATES),
    BlkioDeviceWriteBps: warned(RATES),
    BlkioDeviceReadIOps: warned(RATES),
    BlkioDeviceWriteIOps: warned(RATES),
    Ulimits: warned("a zone's limits are caps of the whole zone"),
    Sysctls: warned("kernel parameters cannot be set in a zone"),
    ShmSize: warned("/dev/shm is limited by the memory cap"),
    Init: warned("the platform's init reaps processes already"),
    Runtime: warned("every container is a zone"),
    StorageOpt: warned("has no equivalent for a zone's dataset"),
    CgroupParent: warned("a zone is its own group of processes"),
    Links: warned("containers find each other by address; ExtraHosts gives them names"),
    VolumeDriver: warned("volumes are directories of the node"),
    DnsOptions: warned("resolver options are not passed on"),
    UsernsMode: warned("users have the same numbers inside and outside of a zone"),
    CpuCount: dropped,
    CpuPercent: dropped,
    IOMaximumIOps: dropped,
    IOMaximumBandwidth: dropped,
    Isolation: dropped,
    ConsoleSize: dropped,
    ContainerIDFile: dropped,
    Cgroup: dropped,
  },
  "HostConfig.Mounts[]": { Consistency: dropped, ImageOptions: dropped, ClusterOptions: dropped },
  "HostConfig.Mounts[].BindOptions": {
    Propagation: warned(PROPAGATION),
    NonRecursive: warned("what is mounted below the source appears, too"),
    CreateMountpoint: warned("a source must exist; it is not made"),
    ReadOnlyNonRecursive: warned("what is mounted below the source keeps its own mode"),
    ReadOnlyForceRecursive: warned("what is mounted below the source keeps its own mode"),
  },
  "HostConfig.Mounts[].VolumeOptions": {
    NoCopy: dropped,
    Labels: warned("volumes have no labels"),
    DriverConfig: warned("volumes are directories of the node"),
  },
  "HostConfig.Mounts[].TmpfsOptions": { Options: warned("only size and mode of a tmpfs can be chosen") },
};
