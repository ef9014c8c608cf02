// Networks of a service by the names the node knows.
import { isIPv4 } from "node:net";
import type { NeutralNetwork } from "../../neutral.ts";
import type { Service } from "./schema.ts";
import type { ServiceContext } from "./service.ts";

export function readNetworks(
  service: Service,
  { report, path, project }: ServiceContext,
): { network?: "none"; networks?: readonly NeutralNetwork[] } {
  const mode = service.network_mode;
  const given = service.networks ?? [];
  const wanted = Array.isArray(given)
    ? given.map((name, i) => ({ name, step: i, options: null }))
    : Object.entries(given).map(([name, options]) => ({ name, step: name, options }));
  if (mode !== undefined && wanted.length > 0) report.complain([...path, "network_mode"], "excludes networks");
  if (mode === "none") return { network: "none" };
  if (mode !== undefined && mode !== "bridge" && mode !== "default")
    report.refuse(
      [...path, "network_mode"],
      "a zone cannot share the network of the host or of another zone: use networks or none",
    );
  const networks = wanted.flatMap(({ name, step, options }) => {
    const at = [...path, "networks", step];
    const real = Object.hasOwn(project.networks, name) ? project.networks[name] : undefined;
    for (const key of Object.keys(options ?? {}))
      if (key !== "ipv4_address") report.warn([...at, key], "has no equivalent in a zone: it is left out");
    const ip = options?.ipv4_address;
    if (ip !== undefined && !isIPv4(ip)) report.complain([...at, "ipv4_address"], "is not an IPv4 address");
    if (real === undefined) {
      report.complain(at, `the network ${JSON.stringify(name)} is not declared in the top-level "networks"`);
      return [];
    }
    // The project's own network is whatever the node calls its default.
    return name === "default" && real === "default" ? [] : [{ name: real, ...(ip === undefined ? {} : { ip }) }];
  });
  return networks.length === 0 ? {} : { networks };
}
