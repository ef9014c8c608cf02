// Exposed and published ports of a create request (container-specs.md 3).
import type { NeutralPort } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import { parsePortKey, parsePortRange, type ExposedPort } from "../port-key.ts";
import type { CreateBody, DockerHostConfig } from "./body.ts";

/** Bindings in their order, then the ports that are exposed only: with `PublishAllPorts` any free host port is theirs. */
export function readPorts(
  exposed: CreateBody["ExposedPorts"],
  { PortBindings, PublishAllPorts }: Pick<DockerHostConfig, "PortBindings" | "PublishAllPorts">,
  report: Report,
): NeutralPort[] {
  const unbound = { host: PublishAllPorts ? 0 : null, hostIp: null, name: null };
  const seen = new Set<string>();
  const bound = Object.entries(PortBindings).flatMap(([key, bindings]): NeutralPort[] => {
    const path = ["HostConfig", "PortBindings", key];
    const port = readPort(key, path, report);
    if (port === undefined) return [];
    seen.add(nameOf(port));
    if (bindings.length === 0) return [{ ...port, ...unbound }];
    return bindings.flatMap(({ HostIp, HostPort }, i) => {
      const host = readHostPort(HostPort, port.count, [...path, i, "HostPort"], report);
      return host === undefined ? [] : [{ ...port, ...host, hostIp: HostIp ?? null, name: null }];
    });
  });
  const others = Object.keys(exposed).flatMap((key) => {
    const port = readPort(key, ["ExposedPorts", key], report);
    return port === undefined || seen.has(nameOf(port)) ? [] : [{ ...port, ...unbound }];
  });
  return [...bound, ...others];
}

function nameOf({ container, count, protocol }: ExposedPort): string {
  return `${container}+${count}/${protocol}`;
}

function readPort(key: string, path: SpecPath, report: Report): ExposedPort | undefined {
  const port = parsePortKey(key);
  if (port === undefined)
    report.complain(path, `${JSON.stringify(key)} is not a port; write e.g. 80/tcp or 53/udp`, { at: "key" });
  if (port?.protocol !== "sctp") return port;
  report.refuse(path, "sctp is not supported; use tcp or udp");
  return undefined;
}

function readHostPort(
  text: string | undefined,
  count: number,
  path: SpecPath,
  report: Report,
): Pick<NeutralPort, "host" | "hostTo"> | undefined {
  if (text === undefined) return { host: 0 };
  const range = parsePortRange(text);
  if (range === undefined) report.complain(path, `${JSON.stringify(text)} is not a port or a range of ports`);
  else if (count === 1) return { host: range.first, ...(range.last === range.first ? {} : { hostTo: range.last }) };
  else if (range.last - range.first + 1 === count) return { host: range.first };
  else report.complain(path, `must be a range of ${count} ports, as the container's is`);
  return undefined;
}
