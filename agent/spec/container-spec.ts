// ContainerSpec v1: one container as a person writes it. Every key here has a row in manifests/README.md (a test checks).
// The JSON Schema in manifests/schema is generated from this file (write-schema.ts).
import { z } from "zod";
import {
  byteSize,
  cores,
  duration,
  environment,
  extraHosts,
  hostName,
  integer,
  ipAddress,
  labels,
  listOrOne,
  logSize,
  macAddress,
  memorySize,
  nicAddress,
  restart,
  text,
  volume,
  word,
  words,
} from "./fields.ts";
import type { ForeignWords } from "./issues.ts";

const name = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
    "must be 1 to 63 letters, digits, `_`, `.` or `-`, the first a letter or digit",
  );

const network = z.union([
  text.min(1, "must not be empty").transform((value) => ({ name: value })),
  z.strictObject({
    name: text.min(1, "must not be empty").describe("A network of the node's configuration."),
    ip: nicAddress.optional().describe("Static address, with or without prefix, or `dhcp` (the default)."),
    mac: macAddress.optional(),
  }),
]);

export const containerSpecSchema = z.strictObject({
  zonelet: z.literal(1).optional().describe("Version of the format."),
  name: name.optional().describe("Name of the container; a readable one is made up when absent."),
  image: text.min(1, "must not be empty").describe("Reference, image id or image uuid."),
  entrypoint: words.optional().describe("Replaces the image's entrypoint and drops the image's command."),
  command: words.optional().describe("Arguments after the entrypoint; replaces the image's command."),
  env: environment.optional().describe("Variables, a map or a list of `K=V`; they win over the image's."),
  envFile: listOrOne(text.min(1))
    .optional()
    .describe("Files of `K=V` lines, relative to the spec's file; `env` wins over them."),
  user: word.optional().describe("`user`, `uid`, `user:group` or `uid:gid`; must exist in the image's passwd file."),
  workdir: text.regex(/^\//, "must be an absolute path").optional().describe("Working directory; made when missing."),
  hostname: hostName(64).optional().describe("Default: the first 12 digits of the container's id."),
  domainname: hostName(255).optional().describe("Domain; also the last entry of the search list."),
  labels: labels.optional().describe("Become tags `docker:label:<key>`; they win over the image's."),
  tty: z.boolean().optional().describe("Give the process a terminal."),
  stdin: z.boolean().optional().describe("Keep stdin open."),
  package: text
    .min(1, "must not be empty")
    .optional()
    .describe("Resource profile of the node's configuration: its name, uuid, or the first 8 digits of it."),
  memory: memorySize.optional().describe("Memory cap, e.g. `512m`. Default: the package's, else the node's."),
  memorySwap: z
    .union([z.literal(-1), byteSize])
    .optional()
    .describe(
      "Cap of memory plus swap. Default: the package's, else twice the memory, which is what `-1` means, too (with a warning).",
    ),
  cpus: cores.optional().describe("CPU cap in CPUs, e.g. `1.5`. Default: no cap."),
  cpuShares: integer(2, 262144).optional().describe("Docker's weight; 1024 is normal."),
  pids: integer(16, 1_000_000).optional().describe("Limit of threads. Default: the node's."),
  disk: byteSize.optional().describe("Disk quota, rounded up to GiB; 0 is unlimited. Default: the node's."),
  ioPriority: integer(1, 1000).optional().describe("ZFS I/O priority; 100 is normal."),
  networks: z
    .union([z.literal("none").transform(() => []), listOrOne(network)])
    .optional()
    .describe("Networks by name, in order; the first is primary. `none`: no nic. Default: the node's default network."),
  dns: listOrOne(ipAddress).optional().describe("Resolvers. Default: those of the networks."),
  dnsSearch: listOrOne(hostName(255)).optional().describe("Search list of the resolver."),
  extraHosts: extraHosts.optional().describe("Lines of /etc/hosts, `NAME:ADDRESS` or a map."),
  volumes: z
    .array(volume)
    .optional()
    .describe("`/SOURCE:/TARGET[:ro]` binds a directory, `/TARGET` makes an anonymous volume."),
  restart: restart.optional().describe("`no`, `always`, `on-failure[:N]` or `unless-stopped`."),
  log: z
    .strictObject({
      driver: text.default("json-file").describe("`json-file` or `none`."),
      options: z.record(text, text).default({}),
      maxSize: logSize.optional().describe("Size at which the log is rotated; decimal `k`, `m`, `g`."),
    })
    .optional()
    .describe("`driver` (`json-file`, `none`), `options`, `maxSize` (rotation, decimal `k`, `m`, `g`)."),
  stopSignal: z
    .union([text, z.number()])
    .transform(String)
    .optional()
    .describe("Signal of a polite stop. Default: the image's, else SIGTERM."),
  stopTimeout: duration.optional().describe("Time between the signal and SIGKILL. Default: `10s`."),
  kernelVersion: z
    .string()
    .regex(/^\d+\.\d+(\.\d+)?$/, "must look like 4.3.0; quote it in YAML")
    .optional()
    .describe("Linux version the zone claims. Default: the image's, else the node's."),
  autoRemove: z.boolean().optional().describe("Delete the zone when its container has exited."),
  firewall: z.boolean().optional().describe("Turn the zone's firewall on (it blocks what comes in)."),
});

/** Sizes in bytes, `stopTimeout` in ms, `cpus` in CPUs, `cpuShares` as Docker's weight. */
export type ContainerSpec = z.output<typeof containerSpecSchema>;

const ELSEWHERE = "cannot be honoured in a zone";

export const CONTAINER_WORDS: ForeignWords = {
  synonyms: {
    environment: "env",
    env_file: "envFile",
    cmd: "command",
    args: "command",
    working_dir: "workdir",
    workingDir: "workdir",
    cwd: "workdir",
    container_name: "name",
    mem_limit: "memory",
    ram: "memory",
    max_physical_memory: "memory",
    memswap_limit: "memorySwap",
    swap: "memorySwap",
    cpu: "cpus",
    cpu_shares: "cpuShares",
    profile: "package",
    pids_limit: "pids",
    maxLwps: "pids",
    max_lwps: "pids",
    quota: "disk",
    storage: "disk",
    network: "networks",
    net: "networks",
    nics: "networks",
    dns_search: "dnsSearch",
    extra_hosts: "extraHosts",
    hosts: "extraHosts",
    mounts: "volumes",
    binds: "volumes",
    restart_policy: "restart",
    restartPolicy: "restart",
    logging: "log",
    stop_signal: "stopSignal",
    stop_grace_period: "stopTimeout",
    kernel_version: "kernelVersion",
    rm: "autoRemove",
    stdin_open: "stdin",
    openStdin: "stdin",
    interactive: "stdin",
    domain: "domainname",
    tags: "labels",
  },
  refused: {
    ports: "is not needed: every zone has its own address and no port is translated",
    privileged: ELSEWHERE,
    devices: ELSEWHERE,
    capAdd: ELSEWHERE,
    cap_add: ELSEWHERE,
    network_mode: "is called \"networks\" here, and a zone cannot share the host's or another zone's network",
    init_name: "must not be set by a spec",
    restart_init: "must not be set by a spec",
    limit_priv: "must not be set by a spec",
    fs_allowed: "must not be set by a spec",
    delegate_dataset: "must not be set by a spec",
    internal_metadata: "must not be set by a spec; a raw vmadm manifest can",
  },
};
