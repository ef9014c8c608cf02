// Which value of the payload came from where: the rows of `zonelet explain`.
import type { FieldOrigins, ResolvedContainer } from "../spec/resolved.ts";
import type { ZoneManifest } from "../vmadm/schema.ts";
import { DOCKER_KEYS as KEY, DOCKER_TAG, LABEL_TAG_PREFIX, MARK_KEYS as MARK } from "./metadata-keys.ts";
import type { ValueOrigin } from "./prepared.ts";

type Field = keyof ResolvedContainer;

interface Behind {
  readonly field?: Field;
  readonly rule?: string;
}

/** Payload path → the resolved field behind it, or the rule where there is none. */
const BEHIND: Readonly<Record<string, Behind>> = {
  uuid: { field: "uuid" },
  brand: { rule: "Linux containers are lx zones" },
  docker: { rule: "makes vmadm run the image's command with dockerinit" },
  autoboot: { rule: "starting is a separate step" },
  image_uuid: { field: "image" },
  kernel_version: { field: "kernelVersion" },
  alias: { field: "name" },
  hostname: { field: "hostname" },
  dns_domain: { field: "domainname" },
  billing_id: { field: "package", rule: "uuid of the package" },
  max_physical_memory: { field: "memoryBytes", rule: "in MiB, rounded up" },
  max_locked_memory: { field: "lockedBytes", rule: "in MiB, rounded up" },
  max_swap: { field: "swapBytes", rule: "in MiB" },
  tmpfs: { field: "tmpfsBytes", rule: "in MiB, rounded up" },
  max_lwps: { field: "maxLwps" },
  quota: { field: "diskBytes", rule: "in GiB, rounded up" },
  cpu_cap: { field: "cpus", rule: "percent of one CPU" },
  cpu_shares: { field: "cpuShares", rule: "100 for Docker's 1024" },
  zfs_io_priority: { field: "ioPriority" },
  zlog_max_size: { field: "logMaxSize" },
  firewall_enabled: { field: "firewallEnabled" },
  nics: { field: "nics" },
  resolvers: { field: "resolvers" },
  filesystems: { field: "mounts" },
  [`tags.${DOCKER_TAG}`]: { rule: "marks containers on Triton nodes" },
  [`internal_metadata.${KEY.id}`]: { field: "dockerId" },
  [`internal_metadata.${KEY.imageId}`]: { field: "image", rule: "digest of its configuration" },
  [`internal_metadata.${KEY.imageName}`]: { field: "image" },
  [`internal_metadata.${KEY.entrypoint}`]: { field: "entrypoint" },
  [`internal_metadata.${KEY.cmd}`]: { field: "cmd" },
  [`internal_metadata.${KEY.env}`]: { field: "env" },
  [`internal_metadata.${KEY.linkEnv}`]: { rule: "links do not exist here" },
  [`internal_metadata.${KEY.linkHosts}`]: { rule: "links do not exist here" },
  [`internal_metadata.${KEY.user}`]: { field: "user" },
  [`internal_metadata.${KEY.workdir}`]: { field: "workdir" },
  [`internal_metadata.${KEY.tty}`]: { field: "tty" },
  [`internal_metadata.${KEY.openStdin}`]: { field: "openStdin" },
  [`internal_metadata.${KEY.noIpmgmtd}`]: { rule: "containers have no use for ipmgmtd" },
  [`internal_metadata.${KEY.restartPolicy}`]: { field: "restart" },
  [`internal_metadata.${KEY.logDriver}`]: { field: "log" },
  [`internal_metadata.${KEY.logConfig}`]: { field: "log" },
  [`internal_metadata.${KEY.dnsSearch}`]: { field: "dnsSearch" },
  [`internal_metadata.${KEY.extraHosts}`]: { field: "extraHosts" },
  [`internal_metadata.${KEY.nfsVolumes}`]: { field: "nfs" },
  [`internal_metadata.${MARK.version}`]: { rule: "marks the zone as ours" },
  [`internal_metadata.${MARK.digest}`]: { rule: "digest of what was asked for" },
  [`internal_metadata.${MARK.image}`]: { field: "image" },
  [`internal_metadata.${MARK.stopSignal}`]: { field: "stopSignal" },
  [`internal_metadata.${MARK.stopTimeout}`]: { field: "stopTimeoutMs" },
  [`internal_metadata.${MARK.autoRemove}`]: { field: "autoRemove" },
  [`internal_metadata.${MARK.health}`]: { field: "health" },
  [`internal_metadata.${MARK.group}`]: { field: "group" },
  [`internal_metadata.${MARK.groupOrder}`]: { field: "group", rule: "0 is started first" },
  [`internal_metadata.${MARK.groupRole}`]: { field: "group" },
  [`internal_metadata.${MARK.groupAfter}`]: { field: "group", rule: "what is waited for before the start" },
  [`internal_metadata.${MARK.owner}`]: { rule: "who keeps the container as declared" },
};

const LABEL: Behind = { field: "labels" };

/** Paths a payload is explained by: its keys, and one level deeper for tags and metadata. */
export function payloadPaths(manifest: ZoneManifest): string[] {
  return Object.keys(manifest).flatMap((key) =>
    key === "tags" || key === "internal_metadata" || key === "customer_metadata"
      ? Object.keys(manifest[key] ?? {}).map((inner) => `${key}.${inner}`)
      : [key],
  );
}

/** One row per payload path, in the payload's order. */
export function valueOrigins(manifest: ZoneManifest, fields: FieldOrigins): ValueOrigin[] {
  return payloadPaths(manifest).map((path) => {
    const { field, rule } = path.startsWith(`tags.${LABEL_TAG_PREFIX}`) ? LABEL : (BEHIND[path] ?? {});
    const origin = field === undefined ? undefined : fields[field];
    return {
      path,
      from: origin?.from ?? "derived",
      why: [origin?.why, rule].filter((part) => part !== undefined).join(", "),
      ...(origin?.place === undefined ? {} : { place: origin.place }),
    };
  });
}
