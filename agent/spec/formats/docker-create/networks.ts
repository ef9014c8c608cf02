// Networks, names and resolvers of a create request (container-specs.md 3).
import { isIP } from "node:net";
import type { NeutralApp, NeutralNetwork } from "../../neutral.ts";
import type { Report } from "../format.ts";
import { isSet } from "../open-document.ts";
import type { CreateBody, DockerEndpoint, DockerHostConfig } from "./body.ts";

/** The engine's own network; a zone has the node's default network instead. */
const DEFAULT_NETWORKS = new Set(["bridge", "default", "nat"]);

const ENDPOINT_WARNINGS: Readonly<Record<string, string>> = {
  Aliases: "containers find each other by address; ExtraHosts gives them names",
  Links: "containers find each other by address; ExtraHosts gives them names",
  MacAddress: "a nic's address is chosen by the platform",
  DriverOpts: "a nic has no options of a driver",
};

export function readNetworks(
  body: CreateBody,
  mode: string | undefined,
  report: Report,
): Pick<NeutralApp, "network" | "networks"> {
  const at = ["HostConfig", "NetworkMode"];
  if (mode === "host") report.refuse(at, "a zone cannot share the host's network");
  if (mode?.startsWith("container:") === true) report.refuse(at, "a zone cannot share another container's network");
  if (body.NetworkDisabled || mode === "none") return { network: "none" };
  const networks = new Map<string, NeutralNetwork>();
  const add = (name: string, ip?: string): void => {
    networks.set(name, { name, ...(ip === undefined ? {} : { ip }) });
  };
  if (mode !== undefined && !DEFAULT_NETWORKS.has(mode) && !mode.includes(":")) add(mode);
  for (const [name, endpoint] of Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {})) {
    warnOfEndpoint(name, endpoint, report);
    if (!DEFAULT_NETWORKS.has(name)) add(name, endpoint?.IPAMConfig?.IPv4Address);
  }
  return networks.size === 0 ? {} : { networks: [...networks.values()] };
}

function warnOfEndpoint(name: string, endpoint: DockerEndpoint | undefined, report: Report): void {
  const path = ["NetworkingConfig", "EndpointsConfig", name];
  if (endpoint === undefined) return;
  for (const [key, message] of Object.entries(ENDPOINT_WARNINGS))
    if (isSet(endpoint[key])) report.warn([...path, key], message);
  const { IPAMConfig: ipam } = endpoint;
  if (ipam === undefined) return;
  const { IPv4Address: ip } = ipam;
  if (ip !== undefined && isIP(ip) !== 4)
    report.complain([...path, "IPAMConfig", "IPv4Address"], "must be an IPv4 address");
  else if (ip !== undefined && DEFAULT_NETWORKS.has(name))
    report.warn([...path, "IPAMConfig", "IPv4Address"], "the default network gives out its addresses itself");
  for (const key of ["IPv6Address", "LinkLocalIPs"])
    if (isSet(ipam[key])) report.warn([...path, "IPAMConfig", key], "only an IPv4 address can be chosen");
}

/** `host:ip`, split at the first colon since addresses may have more; brackets around them are left out. */
export function readExtraHosts(list: DockerHostConfig["ExtraHosts"], report: Report): Record<string, string> {
  const hosts = list.map((entry, i): [string, string] => {
    const at = entry.indexOf(":");
    const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
    const path = ["HostConfig", "ExtraHosts", i];
    if (address === "host-gateway") report.refuse(path, "host-gateway has no equivalent; write the address");
    else if (isIP(address) === 0) report.complain(path, `${JSON.stringify(address)} is not an IP address`);
    return [entry.slice(0, at), address];
  });
  return Object.fromEntries(hosts);
}
