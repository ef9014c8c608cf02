// Contents of a docker zone's hosts, hostname and resolv.conf (dockerinit.md 3.1).
import { textOf, type Payload } from "./json-text.ts";
import { parseCidr } from "./ip.ts";
import { VmError } from "./vm-error.ts";

export interface HostFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly "resolv.conf": string;
}

export interface HostFileMount {
  readonly file: keyof HostFiles;
  readonly target: string;
}

const LOCAL_HOSTS = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "ff00::0\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** The three mounts in the order the platform adds them. */
export function hostFileMounts(brand: string, metadata: Payload): readonly HostFileMount[] {
  const path = (key: string, fallback: string): string => {
    const value = metadata[key];
    return typeof value === "string" && value !== "" ? value : fallback;
  };
  const hosts = brand === "joyent-minimal" ? "/etc/inet/hosts" : "/etc/hosts";
  return [
    { file: "resolv.conf", target: path("docker:resolvConfFile", "/etc/resolv.conf") },
    { file: "hosts", target: path("docker:hostsFile", hosts) },
    { file: "hostname", target: path("docker:hostnameFile", "/etc/hostname") },
  ];
}

/** Raises VmError for `docker:extraHosts` that cannot be read; a broken search list is ignored. */
export function hostFiles(vm: Payload): HostFiles {
  const metadata = (vm["internal_metadata"] ?? {}) as Payload;
  const hostname = typeof vm["hostname"] === "string" && vm["hostname"] !== "" ? vm["hostname"] : String(vm["uuid"]);
  const own = primaryAddresses(vm).reduce<string[]>((lines, ip) => [`${ip}\t${hostname}`, ...lines], []);
  const links = typeof metadata["docker:linkHosts"] === "string" ? metadata["docker:linkHosts"] : "";
  const lines = [...own, ...LOCAL_HOSTS, ...extraHosts(metadata["docker:extraHosts"])];
  return { hosts: `${lines.join("\n")}\n${links}`, hostname: `${hostname}\n`, "resolv.conf": resolvConf(vm, metadata) };
}

function primaryAddresses(vm: Payload): string[] {
  const nics = Array.isArray(vm["nics"]) ? (vm["nics"] as readonly Payload[]) : [];
  const ips = nics.find((nic) => nic["primary"] === true)?.["ips"];
  if (!Array.isArray(ips)) return [];
  return ips.flatMap((ip) => parseCidr(String(ip))?.address ?? []);
}

function resolvConf(vm: Payload, metadata: Payload): string {
  const resolvers = Array.isArray(vm["resolvers"]) ? vm["resolvers"] : [];
  const search = searchList(metadata["docker:dnssearch"]);
  if (typeof vm["dns_domain"] === "string" && vm["dns_domain"] !== "") search.push(vm["dns_domain"]);
  const lines = resolvers.map((resolver) => `nameserver ${String(resolver)}`);
  if (search.length > 0) lines.push(`search ${search.join(" ")}`);
  return lines.map((line) => `${line}\n`).join("");
}

function searchList(text: unknown): string[] {
  if (typeof text !== "string") return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(String) : [];
  } catch {
    return [];
  }
}

function extraHosts(text: unknown): string[] {
  if (text === undefined || text === "") return [];
  const invalid = (why: string): VmError => new VmError(`invalid "docker:extraHosts" internal_metadata: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(textOf(text));
  } catch (error) {
    throw invalid(String(error));
  }
  // The words for a document that is no array are not determined.
  if (!Array.isArray(value)) throw invalid(`${JSON.stringify(value)} is not an array`);
  return value.map((entry: unknown) => {
    const colon = typeof entry === "string" ? entry.indexOf(":") : -1;
    if (typeof entry !== "string" || colon < 0)
      throw invalid(`${JSON.stringify(entry)} entry is not of the form "NAME:IP"`);
    return `${entry.slice(colon + 1)}\t${entry.slice(0, colon)}`;
  });
}
