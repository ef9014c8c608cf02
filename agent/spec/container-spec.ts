// ContainerSpec v1: one container as a person writes it. What each field means stands here and nowhere else
// (field-docs.ts); the JSON Schema in manifests/schema and the table in manifests/README.md are generated from this file
// (write-schema.ts).
import { z } from "zod";
import { documented, field } from "./field-docs.ts";
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
  word,
  words,
} from "./fields.ts";
import { healthcheck } from "./healthcheck.ts";
import { inlineFile, volume, volumesFrom } from "./volume-fields.ts";

const name = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
    "must be 1 to 63 letters, digits, `_`, `.` or `-`, the first a letter or digit",
  );
const someText = text.min(1, "must not be empty");

const TEXT = "text";
const TEXTS = "list of text";
const FLAG = "true or false";
const SIZE = "size (`512m`, `1.5g`, powers of 1024; a plain number is bytes)";
const DURATION = "duration (`10s`, `1m30s`; the unit is needed)";

const network = z.union([
  someText.transform((value) => ({ name: value })),
  z.strictObject({
    name: documented(someText, {
      means: "A network of the node's configuration.",
      type: TEXT,
      platform: "nics[].nic_tag, vlan_id, mtu, gateways",
      example: "external",
    }),
    ip: field(nicAddress, {
      means: "Static address, with or without prefix, or `dhcp`.",
      type: "IPv4 address, `/` and prefix",
      otherwise: "`dhcp`",
      platform: "nics[].ips",
      example: "10.88.88.7/24",
    }),
    mac: field(macAddress, {
      means: "Hardware address.",
      type: "six pairs of hex digits with colons",
      otherwise: "the platform's choice",
      platform: "nics[].mac",
      example: "02:08:20:0c:53:01",
    }),
  }),
]);

const log = z.strictObject({
  driver: documented(text.default("json-file"), {
    means: "Who keeps the output.",
    type: TEXT,
    otherwise: "`json-file`",
    allowed: "json-file, none; syslog, gelf, fluentd where the node has the platform's logger",
    platform: "internal_metadata docker:logdriver",
    example: "none",
  }),
  options: documented(z.record(text, text).default({}), {
    means: "Options of the driver, Docker's names.",
    type: "map of text",
    platform: "internal_metadata docker:logconfig",
    example: { "max-file": "3" },
  }),
  maxSize: field(logSize, {
    means: "Size at which the log is rotated; decimal `k`, `m`, `g`, or a plain number of bytes.",
    type: "decimal size",
    otherwise: "the node's (defaults.logMaxSize)",
    platform: "zlog_max_size, in bytes",
    example: "10m",
  }),
  maxFile: field(integer(1, 1_000_000), {
    means: "Files kept of a rotated log, the current one included; `zonelet system tidy` removes the others.",
    type: "number",
    otherwise: "the node's (logs.maxFile)",
    platform: "max-file in docker:logconfig",
    example: 3,
  }),
});

export const containerSpecSchema = z.strictObject({
  zonelet: field(z.literal(1), { means: "Version of the format.", type: "number", allowed: "1", example: 1 }),
  name: field(name, {
    means: "Name of the container.",
    type: "1 to 63 letters, digits, `_`, `.` or `-`",
    otherwise: "a readable one is made up",
    platform: "alias",
    example: "web",
  }),
  image: documented(someText, {
    means: "Reference, image id or image uuid.",
    type: TEXT,
    platform: "image_uuid",
    example: "nginx:1.27",
  }),
  entrypoint: field(words, {
    means: "Replaces the image's entrypoint and drops the image's command.",
    type: TEXTS,
    otherwise: "the image's",
    platform: "internal_metadata docker:entrypoint",
    example: ["/docker-entrypoint.sh"],
  }),
  command: field(z.union([words, z.literal("none")]), {
    means: "Arguments after the entrypoint. `none`: none, not the image's either; an empty list is the image's.",
    type: TEXTS,
    otherwise: "the image's",
    platform: "internal_metadata docker:cmd",
    example: ["nginx", "-g", "daemon off;"],
  }),
  env: field(environment, {
    means: "Variables, a map or a list of `K=V`; they win over the image's. A name without value removes one.",
    type: "map, or list of text",
    platform: "internal_metadata docker:env",
    example: { TZ: "UTC" },
  }),
  envFile: field(listOrOne(text.min(1)), {
    means: "Files of `K=V` lines, relative to the spec's file; `env` wins over them.",
    type: "path, or list of paths",
    platform: "internal_metadata docker:env",
    example: ["common.env"],
  }),
  user: field(word, {
    means: "`user`, `uid`, `user:group` or `uid:gid`; must be in the image's passwd and group files, see `addUser`.",
    type: TEXT,
    otherwise: "the image's",
    platform: "internal_metadata docker:user",
    example: "www-data",
  }),
  addUser: field(z.boolean(), {
    means:
      "Add a numeric user or group the image does not know to the zone's passwd and group files before the first start.",
    type: FLAG,
    otherwise: "false: such a user is refused, since the platform would run it as root",
    platform: "/etc/passwd and /etc/group of the zone, internal_metadata docker:user",
    example: true,
  }),
  nonRoot: field(z.boolean(), {
    means: "Refuse to run as root, whoever names the user.",
    type: FLAG,
    otherwise: "false",
    example: true,
  }),
  workdir: field(text.regex(/^\//, "must be an absolute path"), {
    means: "Working directory; made when missing.",
    type: "absolute path",
    otherwise: "the image's, else `/`",
    platform: "internal_metadata docker:workdir",
    example: "/srv",
  }),
  hostname: field(hostName(64), {
    means: "Host name inside.",
    type: TEXT,
    otherwise: "the first 12 digits of the container's id",
    platform: "hostname",
    example: "web-1",
  }),
  domainname: field(hostName(255), {
    means: "Domain; also the last entry of the search list.",
    type: TEXT,
    platform: "dns_domain",
    example: "example.com",
  }),
  labels: field(labels, {
    means: "They win over the image's. `com.joyent.package` names a package.",
    type: "map, or list of `K=V`",
    platform: "tags docker:label:<key>",
    example: { tier: "front" },
  }),
  tty: field(z.boolean(), {
    means: "Give the process a terminal.",
    type: FLAG,
    otherwise: "false",
    platform: "internal_metadata docker:tty",
    example: true,
  }),
  stdin: field(z.boolean(), {
    means: "Keep stdin open.",
    type: FLAG,
    otherwise: "false",
    platform: "internal_metadata docker:open_stdin",
    example: true,
  }),
  package: field(someText, {
    means:
      "Resource profile of the node's configuration: its name, uuid, or the first 8 digits of it. What the spec says itself wins.",
    type: TEXT,
    platform: "billing_id, and the properties of memory, swap, CPU, threads, disk and I/O",
    example: "sample-1G",
  }),
  memory: field(memorySize, {
    means: "Memory cap.",
    type: SIZE,
    otherwise: "the package's, else the node's (defaults.memory)",
    allowed: "at least 6m",
    platform: "max_physical_memory, in MiB, rounded up",
    example: "512m",
  }),
  memorySwap: field(z.union([z.literal(-1), byteSize]), {
    means: "Cap of memory plus swap. `-1` means the default, with a warning.",
    type: SIZE,
    otherwise: "the package's, else twice the memory",
    allowed: "at least the memory",
    platform: "max_swap, in MiB, at least 256",
    example: "1g",
  }),
  lockedMemory: field(byteSize, {
    means: "Memory the processes may lock, all together.",
    type: SIZE,
    otherwise: "all of it",
    allowed: "at most the memory",
    platform: "max_locked_memory, in MiB",
    example: "64m",
  }),
  tmpfs: field(z.union([z.literal(true), byteSize]), {
    means: "Size of a memory file system at `/tmp`; `true`: as large as the memory. It counts as the zone's swap.",
    type: SIZE,
    otherwise: "0: `/tmp` is a directory of the disk",
    allowed: "at most the memory",
    platform: "tmpfs, in MiB",
    example: "64m",
  }),
  cpus: field(cores, {
    means: "CPU cap in CPUs.",
    type: "number",
    otherwise: "the package's, else no cap",
    platform: "cpu_cap, in percent of one CPU",
    example: 1.5,
  }),
  cpuShares: field(integer(2, 262144), {
    means: "Docker's weight; 1024 is normal.",
    type: "whole number",
    otherwise: "the package's, else normal",
    allowed: "2 to 262144",
    platform: "cpu_shares; 100 for 1024",
    example: 512,
  }),
  pids: field(integer(16, 1_000_000), {
    means: "Limit of threads.",
    type: "whole number",
    otherwise: "the package's, else the node's (defaults.maxLwps)",
    allowed: "16 to 1000000",
    platform: "max_lwps",
    example: 500,
  }),
  disk: field(byteSize, {
    means: "Disk quota; 0 is unlimited.",
    type: SIZE,
    otherwise: "the package's, else the node's (defaults.quotaGiB)",
    platform: "quota, in GiB, rounded up",
    example: "20g",
  }),
  ioPriority: field(integer(1, 1000), {
    means: "ZFS I/O priority; 100 is normal.",
    type: "whole number",
    otherwise: "the package's, else normal",
    allowed: "1 to 1000",
    platform: "zfs_io_priority",
    example: 50,
  }),
  networks: field(z.union([z.literal("none").transform(() => []), listOrOne(network)]), {
    means: "Networks by name, in order; the first is primary. `none`: no nic.",
    type: "name, map, or list of these",
    otherwise: "the node's default network (defaults.network)",
    platform: "nics",
    example: [{ name: "external", ip: "10.88.88.7" }],
  }),
  dns: field(listOrOne(ipAddress), {
    means: "Resolvers.",
    type: "address, or list of addresses",
    otherwise: "those of the networks",
    platform: "resolvers",
    example: ["8.8.8.8"],
  }),
  dnsSearch: field(listOrOne(hostName(255)), {
    means: "Search list of the resolver.",
    type: "text, or list of text",
    platform: "internal_metadata docker:dnssearch",
    example: ["example.com"],
  }),
  extraHosts: field(extraHosts, {
    means: "Lines of /etc/hosts, `NAME:ADDRESS` or a map.",
    type: "map, or list of text",
    platform: "internal_metadata docker:extraHosts",
    example: { db: "10.88.88.9" },
  }),
  volumes: field(z.array(volume), {
    means:
      "`/SOURCE:/TARGET[:ro]` binds a directory of the node, `NAME:/TARGET[:ro]` mounts a volume of the node, made when it is missing, `/TARGET` makes an anonymous volume.",
    type: "list of text or maps",
    platform: "filesystems",
    example: ["/data/www:/srv:ro", "cache:/var/cache"],
  }),
  volumesFrom: field(listOrOne(volumesFrom), {
    means: "Containers whose volumes and binds are mounted here too, `CONTAINER[:ro]`.",
    type: "text or list of text",
    platform: "filesystems",
    example: ["db:ro"],
  }),
  files: field(z.array(inlineFile), {
    means: "Files written into the container before it first runs.",
    type: "list of maps",
    example: [{ target: "/etc/app.conf", content: "debug = no\n" }],
  }),
  restart: field(restart, {
    means: "When the platform starts it again.",
    type: TEXT,
    otherwise: "`no`",
    allowed: "no, always, on-failure, on-failure:N, unless-stopped",
    platform: "internal_metadata docker:restartpolicy",
    example: "on-failure:5",
  }),
  healthcheck: field(healthcheck, {
    means: "How its health is asked for; what is left out is the image's. `none`: not even the image's.",
    type: "map, or `none`",
    otherwise: "the image's",
    platform: "internal_metadata zonelet:health",
    example: { test: "wget -q -O /dev/null http://localhost/", interval: "10s", retries: 3 },
  }),
  log: field(log, {
    means: "`driver` (`json-file`, `none`), `options`, `maxSize` (rotation, decimal `k`, `m`, `g`).",
    type: "map",
    otherwise: "`json-file`",
    platform: "internal_metadata docker:logdriver, docker:logconfig, zlog_max_size",
    example: { driver: "json-file", maxSize: "10m" },
  }),
  stopSignal: field(z.union([text, z.number()]).transform(String), {
    means: "Signal of a polite stop.",
    type: "name or number",
    otherwise: "the image's, else SIGTERM",
    platform: "internal_metadata zonelet:stop_signal",
    example: "SIGQUIT",
  }),
  stopTimeout: field(duration, {
    means: "Time between the signal and SIGKILL.",
    type: DURATION,
    otherwise: "`10s`",
    platform: "internal_metadata zonelet:stop_timeout, in seconds",
    example: "30s",
  }),
  kernelVersion: field(z.string().regex(/^\d+\.\d+(\.\d+)?$/, "must look like 4.3.0; quote it in YAML"), {
    means: "Linux version the zone claims.",
    type: TEXT,
    otherwise: "the image's, else the node's (defaults.kernelVersion)",
    platform: "kernel_version",
    example: "4.3.0",
  }),
  autoRemove: field(z.boolean(), {
    means: "Delete the zone when its container has exited.",
    type: FLAG,
    otherwise: "false",
    platform: "internal_metadata zonelet:autoremove",
    example: true,
  }),
  firewall: field(z.boolean(), {
    means: "Turn the zone's firewall on (it blocks what comes in).",
    type: FLAG,
    otherwise: "false",
    platform: "firewall_enabled",
    example: true,
  }),
});

/** Sizes in bytes, durations in ms, `cpus` in CPUs, `cpuShares` as Docker's weight. */
export type ContainerSpec = z.output<typeof containerSpecSchema>;
