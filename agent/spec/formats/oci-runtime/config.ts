// The schema of an OCI runtime configuration, as far as a zone takes it over, and the decisions about the rest
// (container-specs.md 7).
import { z } from "zod";
import { text } from "../../fields.ts";
import {
  absentable,
  absentableInteger,
  absentableText,
  absolutePath,
  flag,
  listOf,
  mapOf,
  semanticVersion,
} from "../go-json.ts";
import { dropped, isGiven, isSet, refused, warned, type Decisions } from "../open-document.ts";

const id = z.int().min(0, "must not be negative");
/** 64-bit numbers, which JSON numbers cannot hold, stay the text they are. */
const limit64 = z.union([id, z.string().regex(/^\d{1,20}$/, "must be a whole number")]).transform((n) => BigInt(n));

const rlimits = listOf(
  z.strictObject({ type: text.regex(/^RLIMIT_[A-Z]+$/, "must be RLIMIT_ and a name"), soft: limit64, hard: limit64 }),
).check(({ value, issues }) => {
  const seen = new Set<string>();
  for (const [i, { type, soft, hard }] of value.entries()) {
    if (seen.has(type)) issues.push({ code: "custom", input: value, path: [i, "type"], message: `a second ${type}` });
    if (soft > hard)
      issues.push({ code: "custom", input: value, path: [i, "soft"], message: "must not be greater than hard" });
    seen.add(type);
  }
});

const processSchema = z.strictObject({
  args: z.array(text).min(1, "must not be empty: it is the program and its arguments"),
  env: listOf(text.regex(/^[^=]+=/, "must be NAME=value")),
  cwd: absolutePath,
  user: absentable(
    z.strictObject({
      uid: absentable(id).transform((uid) => uid ?? 0),
      gid: absentable(id).transform((gid) => gid ?? 0),
      additionalGids: listOf(id),
    }),
  ),
  terminal: flag,
  rlimits,
});

const mount = z.strictObject({
  destination: absolutePath,
  type: absentableText,
  source: absentableText,
  options: listOf(text),
});
export type OciMount = z.output<typeof mount>;

/** -1 is unlimited, 0 unset. */
const limit = absentableInteger.refine((value) => value === undefined || value >= -1, "must not be negative, but -1");

const resources = z.strictObject({
  memory: absentable(z.strictObject({ limit, reservation: limit, swap: limit })).check(({ value, issues }) => {
    if (value?.swap !== undefined && value.swap !== -1 && value.swap < (value.limit ?? 0))
      issues.push({
        code: "custom",
        input: value,
        path: ["swap"],
        message: "must not be less than the limit: it counts memory plus swap",
      });
  }),
  cpu: absentable(
    z.strictObject({ shares: absentableInteger, quota: absentableInteger, period: absentableInteger }),
  ).check(({ value, issues }) => {
    for (const key of ["shares", "period"] as const)
      if ((value?.[key] ?? 0) < 0)
        issues.push({ code: "custom", input: value, path: [key], message: "must not be negative" });
  }),
  pids: absentable(z.strictObject({ limit: absentableInteger })),
  devices: listOf(
    z.strictObject({
      allow: z.boolean(),
      type: absentableText,
      major: absentable(z.int()),
      minor: absentable(z.int()),
      access: absentableText,
    }),
  ),
});
export type OciResources = z.output<typeof resources>;

const linux = z.strictObject({
  namespaces: listOf(z.strictObject({ type: text, path: absentableText })),
  resources: absentable(resources),
});
export type OciLinux = z.output<typeof linux>;

const solaris = z.strictObject({
  cappedCPU: absentable(z.strictObject({ ncpus: absentableText })),
  cappedMemory: absentable(z.strictObject({ physical: absentableText, swap: absentableText })),
  limitpriv: absentableText,
});
export type OciSolaris = z.output<typeof solaris>;

export const ociConfig = z.strictObject({
  ociVersion: semanticVersion,
  root: z.strictObject({ path: text.min(1, "must not be empty"), readonly: flag }),
  process: processSchema,
  hostname: absentableText,
  domainname: absentableText,
  mounts: listOf(mount),
  annotations: mapOf(text),
  linux: absentable(linux),
  solaris: absentable(solaris),
});
export type OciConfig = z.output<typeof ociConfig>;

const HOOKS = "hooks would run on the host, and are not run";
const CAPABILITIES = "a zone's privileges are fixed by its brand";
const LABELS = "there is no mandatory access control in a zone";
const SCHEDULING = "scheduling within a zone is left to its programs";
const MAPPINGS = "users have the same numbers inside and outside of a zone";
const OOM = "memory is capped per zone, no process is chosen to be killed";
const KERNEL = "has no equivalent in a zone's memory cap";
const PROCESSORS = "a zone's processors cannot be picked; a quota caps it";
const RATES = "has no equivalent among a zone's caps";

export const OCI_DECISIONS: Decisions = {
  "": {
    hooks: refused(HOOKS, (value) => typeof value === "object" && value !== null && Object.values(value).some(isSet)),
  },
  process: {
    consoleSize: dropped,
    commandLine: dropped,
    capabilities: warned(CAPABILITIES, isGiven),
    noNewPrivileges: warned("set-user-id programs keep their effect"),
    apparmorProfile: warned(LABELS),
    selinuxLabel: warned(LABELS),
    oomScoreAdj: warned(OOM),
    scheduler: warned(SCHEDULING),
    ioPriority: warned(SCHEDULING),
    execCPUAffinity: warned(PROCESSORS),
  },
  "process.user": { umask: warned("the process starts with the platform's umask", isGiven), username: dropped },
  "mounts[]": { uidMappings: warned(MAPPINGS), gidMappings: warned(MAPPINGS) },
  linux: {
    devices: refused("a zone has the devices of its brand and no others"),
    netDevices: refused("a zone's network interfaces are its own"),
    maskedPaths: dropped,
    readonlyPaths: dropped,
    seccomp: warned("system calls are not filtered in a zone"),
    sysctl: warned("kernel parameters cannot be set in a zone"),
    cgroupsPath: warned("a zone is its own group of processes"),
    uidMappings: warned(MAPPINGS),
    gidMappings: warned(MAPPINGS),
    intelRdt: warned(RATES),
    memoryPolicy: warned(RATES),
    rootfsPropagation: warned("mounts do not spread between a zone and its host"),
    personality: warned("a zone's personality is its brand's"),
    timeOffsets: warned("a zone has the host's clocks"),
    mountLabel: warned(LABELS),
  },
  "linux.resources": {
    blockIO: warned(RATES),
    hugepageLimits: warned(RATES),
    network: warned(RATES),
    rdma: warned(RATES),
    unified: warned(RATES),
  },
  "linux.resources.memory": {
    swappiness: warned(KERNEL, isGiven),
    kernel: warned(KERNEL),
    kernelTCP: warned(KERNEL),
    disableOOMKiller: warned(OOM),
    useHierarchy: dropped,
    checkBeforeUpdate: dropped,
  },
  "linux.resources.cpu": {
    cpus: warned(PROCESSORS),
    mems: warned(PROCESSORS),
    realtimeRuntime: warned(SCHEDULING),
    realtimePeriod: warned(SCHEDULING),
    burst: warned(SCHEDULING),
    idle: warned(SCHEDULING),
  },
  solaris: {
    maxShmMemory: warned("shared memory is limited by the memory cap"),
    milestone: warned("the zone's init runs the program and no services"),
    anet: warned("nics come from the node's networks"),
  },
};
