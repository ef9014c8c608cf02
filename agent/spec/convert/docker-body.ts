// A container spec as the body of Docker's `POST /containers/create`: what our own reader of these reads back.
import { isIPv4 } from "node:net";
import type { ContainerSpec } from "../container-spec.ts";
import type { Command } from "../image-defaults.ts";
import { PACKAGE_LABEL } from "../packages.ts";
import { commandWords } from "./command-notation.ts";
import { defined, type Written } from "./notation.ts";

const NANOS_PER_CPU = 1_000_000_000;
const NANOS_PER_MS = 1_000_000;
/** The normal weight of 500 is the normal priority of 100. */
const WEIGHT_PER_PRIORITY = 5;
/** Names with a meaning of their own in a request. */
const ENGINE_NETWORKS = /^(bridge|default|nat|host|none)$|:/;

/** What a body has no word for is in `gaps`. */
export function dockerBody(spec: ContainerSpec, command: Command): Written {
  const gaps: { path: string; message: string }[] = [];
  const gap = (path: string, message: string): void => {
    gaps.push({ path, message });
  };
  const words = commandWords(command);
  if (words.gap !== undefined) gap("entrypoint", words.gap);
  if (words.command === "none") gap("command", "an empty Cmd means the image's: its command comes back");
  tellUnsaid(spec, gap);
  const labels = {
    ...spec.labels,
    ...(spec.package === undefined ? {} : { [PACKAGE_LABEL]: spec.package }),
  };
  const volumes = spec.volumes ?? [];
  const anonymous = volumes.filter((volume) => volume.type === "volume" && !volume.readOnly);
  const value = defined({
    Image: spec.image,
    Entrypoint: words.entrypoint,
    Cmd: words.command === "none" ? undefined : words.command,
    Env: spec.env,
    User: spec.user,
    WorkingDir: spec.workdir,
    Labels: Object.keys(labels).length === 0 ? undefined : labels,
    Hostname: spec.hostname,
    Domainname: spec.domainname,
    Tty: spec.tty,
    OpenStdin: spec.stdin,
    StopSignal: spec.stopSignal,
    StopTimeout: stopSeconds(spec, gap),
    Healthcheck: healthcheck(spec),
    Volumes: anonymous.length === 0 ? undefined : Object.fromEntries(anonymous.map(({ target }) => [target, {}])),
    HostConfig: hostConfig(spec, gap),
    NetworkingConfig: networking(spec, gap),
  });
  return { value, gaps };
}

type Gap = (path: string, message: string) => void;

function tellUnsaid(spec: ContainerSpec, gap: Gap): void {
  if (spec.name !== undefined) gap("name", `goes with the request: POST /containers/create?name=${spec.name}`);
  const unsaid: readonly (readonly [keyof ContainerSpec, string])[] = [
    ["addUser", "a body cannot ask for it: give --add-user"],
    ["nonRoot", "a body cannot refuse root"],
    ["lockedMemory", "a body has no cap of locked memory for the whole container"],
    ["disk", "a body has no disk quota"],
    ["kernelVersion", "a body does not choose a kernel"],
    ["firewall", "a body has no firewall"],
  ];
  for (const [key, message] of unsaid) if (spec[key] !== undefined && spec[key] !== false) gap(key, message);
}

function stopSeconds({ stopTimeout }: ContainerSpec, gap: Gap): number | undefined {
  if (stopTimeout === undefined) return undefined;
  if (stopTimeout % 1000 !== 0) gap("stopTimeout", "a body has whole seconds: rounded up");
  return Math.ceil(stopTimeout / 1000);
}

function hostConfig(spec: ContainerSpec, gap: Gap): Record<string, unknown> | undefined {
  const { memory, cpus, restart, networks = [], tmpfs } = spec;
  const config = defined({
    Memory: memory,
    MemorySwap: swap(spec, gap),
    NanoCpus: cpus === undefined ? undefined : Math.ceil(Math.round(cpus * NANOS_PER_CPU)),
    CpuShares: spec.cpuShares,
    PidsLimit: spec.pids,
    BlkioWeight: weight(spec, gap),
    Binds: binds(spec, gap),
    Mounts: mounts(spec),
    Tmpfs: tmpfs === undefined || tmpfs === 0 ? undefined : { "/tmp": tmpfs === true ? "" : `size=${tmpfs}` },
    RestartPolicy:
      restart === undefined || restart.policy === "no"
        ? undefined
        : defined({
            Name: restart.policy,
            MaximumRetryCount: restart.maxRetries > 0 ? restart.maxRetries : undefined,
          }),
    AutoRemove: spec.autoRemove,
    Dns: spec.dns,
    DnsSearch: spec.dnsSearch,
    ExtraHosts: spec.extraHosts,
    NetworkMode:
      spec.networks?.length === 0 ? "none" : networks.map(({ name }) => name).find((name) => !isEngines(name)),
    LogConfig: logConfig(spec, gap),
  });
  return Object.keys(config).length === 0 ? undefined : config;
}

function swap({ memory, memorySwap }: ContainerSpec, gap: Gap): number | undefined {
  if (memory !== undefined || memorySwap === undefined || memorySwap === -1) return memorySwap;
  gap("memorySwap", "a body has it together with a memory cap only: left out");
  return undefined;
}

function weight({ ioPriority }: ContainerSpec, gap: Gap): number | undefined {
  if (ioPriority === undefined) return undefined;
  if (ioPriority >= 2 && ioPriority <= 200) return ioPriority * WEIGHT_PER_PRIORITY;
  gap("ioPriority", "a body's weight reaches from a priority of 2 to one of 200: left out");
  return undefined;
}

function isEngines(name: string): boolean {
  return ENGINE_NETWORKS.test(name);
}

type Volume = NonNullable<ContainerSpec["volumes"]>[number];

const hasColon = ({ source, target }: Volume): boolean => `${source ?? ""}${target}`.includes(":");

function binds({ volumes = [] }: ContainerSpec, gap: Gap): string[] | undefined {
  volumes.forEach((volume, i) => {
    if (volume.type === "volume" && volume.readOnly)
      gap(`volumes[${i}]`, "an anonymous volume nobody may write into is left out");
  });
  const list = volumes
    .filter((volume) => volume.type === "bind" && !hasColon(volume))
    .map(({ source, target, readOnly }) => `${source ?? ""}:${target}${readOnly ? ":ro" : ""}`);
  return list.length === 0 ? undefined : list;
}

/** Paths with colons have no place in `Binds`. */
function mounts({ volumes = [] }: ContainerSpec): unknown {
  const list = volumes
    .filter((volume) => volume.type === "bind" && hasColon(volume))
    .map(({ source, target, readOnly }) => ({ Type: "bind", Source: source, Target: target, ReadOnly: readOnly }));
  return list.length === 0 ? undefined : list;
}

function logConfig({ log }: ContainerSpec, gap: Gap): unknown {
  if (log === undefined) return undefined;
  const { driver, options, maxSize } = log;
  const sized = maxSize !== undefined && maxSize % 1000 === 0;
  if (maxSize !== undefined && !sized) gap("log.maxSize", "a body has whole kilobytes: left out");
  if (sized && driver === "none") gap("log.maxSize", "the driver none takes no size in a body: left out");
  return {
    Type: driver,
    Config: { ...options, ...(sized && driver !== "none" ? { "max-size": `${maxSize / 1000}k` } : {}) },
  };
}

function networking({ networks = [] }: ContainerSpec, gap: Gap): unknown {
  const endpoints = new Map<string, unknown>();
  networks.forEach((network, i) => {
    const { name } = network;
    const { ip, mac } = "ip" in network || "mac" in network ? network : {};
    const path = `networks[${i}]`;
    if (mac !== undefined) gap(`${path}.mac`, "a nic's address is not honoured in a body");
    const [address = "", prefix] = (ip ?? "").split("/");
    if (prefix !== undefined) gap(`${path}.ip`, "a body has no prefix: the network's subnet must say it");
    if (isEngines(name)) gap(path, `${JSON.stringify(name)} means another thing in a body: left out`);
    else if (endpoints.has(name)) gap(path, "a body has one nic for each network: left out");
    else endpoints.set(name, isIPv4(address) ? { IPAMConfig: { IPv4Address: address } } : {});
  });
  return endpoints.size === 0 ? undefined : { EndpointsConfig: Object.fromEntries(endpoints) };
}

function healthcheck({ healthcheck: check }: ContainerSpec): unknown {
  if (check === undefined) return undefined;
  const { test, interval, timeout, startPeriod, startInterval, retries } = { ...NO_TIMES, ...check };
  const nanos = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms * NANOS_PER_MS);
  return defined({
    Test: test,
    Interval: nanos(interval),
    Timeout: nanos(timeout),
    StartPeriod: nanos(startPeriod),
    StartInterval: nanos(startInterval),
    Retries: retries,
  });
}

const NO_TIMES = {
  test: undefined,
  interval: undefined,
  timeout: undefined,
  startPeriod: undefined,
  startInterval: undefined,
  retries: undefined,
};
