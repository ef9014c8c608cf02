// Bodies of Docker's `POST /containers/create`, as the Engine understands them (container-specs.md 3).
import { dockerCommand } from "../../image-defaults.ts";
import type { NeutralApp, NeutralDocument } from "../../neutral.ts";
import type { FormatReader, Given, Report } from "../format.ts";
import { variablesOf } from "../go-json.ts";
import { parseOpen } from "../open-document.ts";
import { unsupportedPlatform } from "../platform.ts";
import { createBody, DOCKER_DECISIONS, NO_HOST_CONFIG, type CreateBody, type DockerHostConfig } from "./body.ts";
import { readHealth, readRestart, readStop } from "./lifecycle.ts";
import { readMounts } from "./mounts.ts";
import { readExtraHosts, readNetworks } from "./networks.ts";
import { readPorts } from "./ports.ts";
import { readLimits } from "./resources.ts";

export const readDockerCreate: FormatReader = (source, given, report): NeutralDocument | undefined => {
  const name = readName(given, report);
  checkPlatform(given, report);
  const body = parseOpen(createBody, source, report, DOCKER_DECISIONS);
  if (body === undefined) return undefined;
  const container = readContainer(body, body.HostConfig ?? NO_HOST_CONFIG, report);
  return { format: "docker-create", name: null, apps: [{ ...container, name }] };
};

const CONTAINER_NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

function readName({ name }: Given, report: Report): string | null {
  if (name === undefined) return null;
  if (!CONTAINER_NAME.test(name))
    report.add([
      {
        where: "query parameter name",
        path: "name",
        message: `${JSON.stringify(name)} must be at least two letters, digits, "_", "." or "-", the first a letter or digit`,
      },
    ]);
  return name.replace(/^\//, "");
}

function checkPlatform({ platform }: Given, report: Report): void {
  const message = platform === undefined ? undefined : unsupportedPlatform(platform);
  if (message !== undefined) report.problems.push({ where: "query parameter platform", path: "platform", message });
}

function readContainer(body: CreateBody, host: DockerHostConfig, report: Report): NeutralApp {
  const mounts = readMounts(body.Volumes, host, report);
  const health = body.Healthcheck === undefined ? undefined : readHealth(body.Healthcheck, report);
  const extraHosts = readExtraHosts(host.ExtraHosts, report);
  return {
    at: [],
    places: { ...PLACES, ...Object.fromEntries(mounts.map(({ path }, i) => [`mounts[${i}]`, path])) },
    name: null,
    image: body.Image,
    ...dockerCommand(body.Entrypoint, body.Cmd),
    env: variablesOf(body.Env),
    user: body.User ?? null,
    cwd: body.WorkingDir ?? null,
    ...readLimits(host, report),
    ports: readPorts(body.ExposedPorts, host, report),
    mounts: mounts.map(({ mount }) => mount),
    restart: readRestart(host, report),
    labels: body.Labels,
    hostname: body.Hostname ?? null,
    ...(body.Domainname === undefined ? {} : { domainname: body.Domainname }),
    ...filled("groups", host.GroupAdd),
    ...filled("dns", host.Dns),
    ...filled("dnsSearch", host.DnsSearch),
    ...(Object.keys(extraHosts).length === 0 ? {} : { extraHosts }),
    ...(Object.keys(host.Annotations).length === 0 ? {} : { annotations: host.Annotations }),
    ...readLogging(host, report),
    ...readNetworks(body, host.NetworkMode, report),
    ...readStop(body, report),
    ...(health === undefined ? {} : { health }),
    ...(body.Tty ? { tty: true } : {}),
    ...(body.OpenStdin ? { stdin: true } : {}),
    ...(host.AutoRemove ? { autoRemove: true } : {}),
  };
}

const LOG_DRIVERS = ["json-file", "syslog", "gelf", "fluentd", "none"];

function readLogging({ LogConfig }: DockerHostConfig, report: Report): Pick<NeutralApp, "logging"> {
  if (LogConfig === undefined) return {};
  const { Type: driver, Config: options } = LogConfig;
  if (driver !== undefined && !LOG_DRIVERS.includes(driver))
    report.refuse(
      ["HostConfig", "LogConfig", "Type"],
      `the log driver ${JSON.stringify(driver)} is not supported; use one of ${LOG_DRIVERS.join(", ")}`,
    );
  if (driver === undefined && Object.keys(options).length === 0) return {};
  return { logging: { driver: driver ?? "json-file", options } };
}

function filled<K extends string>(key: K, list: readonly string[]): { [P in K]?: readonly string[] } {
  const result: { [P in K]?: readonly string[] } = {};
  if (list.length > 0) result[key] = list;
  return result;
}

const PLACES = {
  image: ["Image"],
  entrypoint: ["Entrypoint"],
  args: ["Cmd"],
  env: ["Env"],
  user: ["User"],
  cwd: ["WorkingDir"],
  labels: ["Labels"],
  hostname: ["Hostname"],
  domainname: ["Domainname"],
  tty: ["Tty"],
  stdin: ["OpenStdin"],
  stopSignal: ["StopSignal"],
  stopTimeoutMs: ["StopTimeout"],
  health: ["Healthcheck"],
  memoryBytes: ["HostConfig", "Memory"],
  memoryRequestBytes: ["HostConfig", "MemoryReservation"],
  swapBytes: ["HostConfig", "MemorySwap"],
  cpuCores: ["HostConfig", "NanoCpus"],
  cpuShares: ["HostConfig", "CpuShares"],
  pidsLimit: ["HostConfig", "PidsLimit"],
  ioWeight: ["HostConfig", "BlkioWeight"],
  ports: ["HostConfig", "PortBindings"],
  restart: ["HostConfig", "RestartPolicy"],
  groups: ["HostConfig", "GroupAdd"],
  dns: ["HostConfig", "Dns"],
  dnsSearch: ["HostConfig", "DnsSearch"],
  extraHosts: ["HostConfig", "ExtraHosts"],
  logging: ["HostConfig", "LogConfig"],
  annotations: ["HostConfig", "Annotations"],
  network: ["HostConfig", "NetworkMode"],
  networks: ["NetworkingConfig", "EndpointsConfig"],
  autoRemove: ["HostConfig", "AutoRemove"],
} as const;
