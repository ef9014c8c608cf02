// Published and exposed ports (sdc-docker.md 14). A container has its own address: publishing opens a port.
import type { PROTOCOLS } from "../docker-view/firewall-ports.ts";
import { isMembers, member, type Members } from "./members.ts";
import { failed, invalid } from "./refuse.ts";

export type Protocol = (typeof PROTOCOLS)[number];

export interface Port {
  readonly number: number;
  readonly protocol: Protocol;
}

export interface PublishedPort extends Port {
  /** Of the first binding; empty for any. */
  readonly hostPort: string;
}

export interface PortPlan {
  /** To be opened, each once: the image's, then the body's. */
  readonly open: Readonly<Record<Protocol, readonly number[]>>;
  /** Exposed by the image and not opened. */
  readonly unpublished: Readonly<Record<Protocol, readonly number[]>>;
}

const MAX_PORT = 65535;

/** Raises the refusal of the first key that is none. */
export function parsePortBindings(bindings: Members): PublishedPort[] {
  return Object.keys(bindings).map((key) => {
    const list = bindings[key];
    const first: unknown = Array.isArray(list) ? list[0] : undefined;
    const hostPort = isMembers(first) ? (member(first, "HostPort") ?? "") : "";
    if (typeof hostPort !== "string" && typeof hostPort !== "number")
      throw invalid(`"HostConfig.PortBindings" must be an object`);
    return { ...parsePort(key, "HostConfig.PortBindings"), hostPort: String(hostPort) };
  });
}

export function parsePort(key: string, where: string): Port {
  const [number = "", protocol, ...more] = key.split("/");
  if (protocol === undefined || more.length > 0)
    throw invalid(`${where}: port specification incorrect: must be "number/protocol"`);
  const port = /^[0-9]{1,5}$/.test(number) ? Number(number) : 0;
  if (port < 1 || port > MAX_PORT) throw invalid(`${where}: invalid port number`);
  if (protocol !== "tcp" && protocol !== "udp") throw invalid(`${where}: unknown protocol: must be tcp or udp`);
  return { number: port, protocol };
}

/** What is opened, of the image's ports and the body's. */
export function planPorts(
  imagePorts: readonly string[],
  published: readonly PublishedPort[],
  publishAll: boolean,
): PortPlan {
  const exposed = imagePorts.map((key) => parsePort(key, "Image ExposedPorts"));
  for (const { number, hostPort } of published)
    if (hostPort !== "" && Number(hostPort) !== number)
      throw failed("SPEC_UNSUPPORTED", "publish port: remapping of port numbers not allowed");
  const opened = publishAll ? [...exposed, ...published] : published;
  const open = { tcp: numbers(opened, "tcp"), udp: numbers(opened, "udp") };
  const hidden = exposed.filter(({ protocol, number }) => !open[protocol].includes(number));
  return { open, unpublished: { tcp: numbers(hidden, "tcp"), udp: numbers(hidden, "udp") } };
}

function numbers(ports: readonly Port[], protocol: Protocol): number[] {
  return [...new Set(ports.filter((port) => port.protocol === protocol).map((port) => port.number))];
}
