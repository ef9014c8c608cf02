// Ports a pod publishes: each names a port of an app (container-specs.md 6).
import { isIP } from "node:net";
import { z } from "zod";
import type { NeutralApp, NeutralPort } from "../../neutral.ts";
import type { Report } from "../format.ts";
import { absentable, listOf } from "../go-json.ts";
import { acName } from "./values.ts";

const portNumber = z.int().min(1, "must be from 1 to 65535").max(65535, "must be from 1 to 65535");

export const podPorts = listOf(
  z.object({
    name: acName,
    hostPort: portNumber,
    hostIP: absentable(z.string().refine((ip) => ip === "" || isIP(ip) !== 0, "must be an IP address")),
    podPort: absentable(portNumber),
  }),
);

/**
 * The apps with the host ports of those ports the pod publishes by name, and the rest: ports with a number of their own
 * that belong to no app. An app whose object is left out has its image's ports, which are not known here.
 */
export function publishPorts(
  list: z.output<typeof podPorts>,
  apps: readonly NeutralApp[],
  report: Report,
): { apps: NeutralApp[]; others: NeutralPort[] } {
  const published = new Map<NeutralPort, Partial<NeutralPort>>();
  const others: NeutralPort[] = [];
  for (const [i, { name, hostPort, hostIP, podPort }] of list.entries()) {
    const owners = apps.flatMap((app) => app.ports.filter((port) => port.name === name));
    const [port] = owners;
    const host = { host: hostPort, hostIp: hostIP === undefined || hostIP === "" ? null : hostIP };
    if (owners.length > 1)
      report.complain(["ports", i, "name"], `several apps have a port named ${JSON.stringify(name)}`);
    else if (port !== undefined)
      published.set(port, { ...host, ...(podPort === undefined ? {} : { container: podPort }) });
    else if (podPort !== undefined) others.push({ container: podPort, count: 1, protocol: "tcp", ...host, name });
    else if (apps.some((app) => app.entrypoint === null))
      report.warn(
        ["ports", i, "name"],
        `no app names a port ${JSON.stringify(name)} here, and the images' are not known yet`,
      );
    else
      report.complain(["ports", i, "name"], `no app has a port named ${JSON.stringify(name)}; add it or give podPort`);
  }
  return {
    apps: apps.map((app) => ({ ...app, ports: app.ports.map((port) => ({ ...port, ...published.get(port) })) })),
    others,
  };
}
