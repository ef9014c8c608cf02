// One entry of `GET /containers/json` as the predecessor writes it (sdc-docker.md 22).
import { commandText } from "./command-text.ts";
import { containerPorts } from "./container-ports.ts";
import type { ContainerFacts } from "./facts.ts";
import { labelsOfTags } from "./labels.ts";
import { statusText } from "./status.ts";
import type { Surroundings } from "./surroundings.ts";

const UNKNOWN_PACKAGE = "<unknown>";

export function sdcEntry(facts: ContainerFacts, surroundings: Surroundings, now: Date): Record<string, unknown> {
  return {
    Id: facts.id,
    Created: createdSeconds(facts),
    Command: commandText([...facts.entrypoint, ...facts.cmd]),
    Names: namesOf(facts, surroundings),
    Status: statusText(facts, now, "sdc"),
    Image: facts.imageName ?? facts.imageId ?? "<none>",
    Labels: labelsOfTags(facts.tags, surroundings.packageName ?? UNKNOWN_PACKAGE),
    Ports: entryPorts(facts, surroundings, "0.0.0.0"),
  };
}

export function createdSeconds(facts: ContainerFacts): number {
  return Math.floor((facts.createdAt?.getTime() ?? 0) / 1000);
}

/** The container's own name, and one for each link that leads to it. */
export function namesOf(facts: ContainerFacts, { links }: Surroundings): string[] {
  const linked = links.filter((link) => link.targetUuid === facts.uuid);
  return [`/${facts.name}`, ...linked.map((link) => `/${link.containerName}/${link.alias}`)];
}

export function entryPorts(facts: ContainerFacts, surroundings: Surroundings, ip: string): Record<string, unknown>[] {
  return containerPorts(facts, surroundings).map(({ port, protocol, published }) =>
    published ? { IP: ip, PrivatePort: port, PublicPort: port, Type: protocol } : { PrivatePort: port, Type: protocol },
  );
}
