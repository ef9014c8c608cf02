// Ports of a container as the views show them (sdc-docker.md 21, 22).
import type { ContainerFacts } from "./facts.ts";
import { PROTOCOLS, publishedPorts } from "./firewall-ports.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ContainerPort {
  readonly port: number;
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly published: boolean;
}

/** Published ones first, tcp before udp; each once. */
export function containerPorts(facts: ContainerFacts, { firewallRules }: Surroundings): ContainerPort[] {
  const open = publishedPorts(facts.uuid, firewallRules);
  const published = PROTOCOLS.flatMap((protocol) =>
    [...open[protocol]].map((port): ContainerPort => ({ port, protocol, published: true })),
  );
  const others = PROTOCOLS.flatMap((protocol) =>
    [...facts.unpublished[protocol]]
      .filter((port) => !open[protocol].has(port))
      .map((port): ContainerPort => ({ port, protocol, published: false })),
  );
  return [...published, ...others];
}

interface PortMaps {
  readonly exposed: Readonly<Record<string, Record<string, never>>>;
  readonly bindings: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[]>>;
  /** `NetworkSettings.Ports`: null where a port is not published. */
  readonly settings: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
}

/** No port is translated: host port and container port are the same, on the zone's own address. */
export function portMaps(list: readonly ContainerPort[], hostIp = "0.0.0.0"): PortMaps {
  const keyed = list.map((port) => ({ ...port, key: `${port.port}/${port.protocol}`, HostPort: String(port.port) }));
  const published = keyed.filter((port) => port.published);
  return {
    exposed: Object.fromEntries(keyed.map(({ key }) => [key, {}])),
    bindings: Object.fromEntries(published.map(({ key, HostPort }) => [key, [{ HostIp: "", HostPort }]])),
    settings: Object.fromEntries(
      keyed.map(({ key, HostPort, published: open }) => [key, open ? [{ HostIp: hostIp, HostPort }] : null]),
    ),
  };
}
