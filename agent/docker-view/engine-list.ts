// The Engine's container list: which containers, in which order. The filters themselves are agent/filters'.
import type { DockerFilters } from "../filters/docker-args.ts";
import { filterContainers, type DockerListed } from "../filters/docker-containers.ts";
import { containerPorts } from "./container-ports.ts";
import { networkNameOf } from "./engine-networks.ts";
import { dockerHealth } from "./engine-state.ts";
import type { ContainerFacts } from "./facts.ts";
import { labelsOfTags } from "./labels.ts";
import { newestFirst } from "./list-query.ts";
import { dockerState } from "./status.ts";
import type { NodeSurroundings } from "./surroundings.ts";

export interface EngineQuery {
  /** Also those that do not run. */
  readonly all: boolean;
  /** Only so many of the newest; implies `all`. 0: no limit. */
  readonly limit?: number | undefined;
  readonly filters: DockerFilters;
}

export interface ListContext {
  readonly surroundings: (facts: ContainerFacts) => NodeSurroundings;
  /** More names of a container's image, and of those it stands on, for the filter `ancestor`. */
  readonly imageNames?: ((facts: ContainerFacts) => readonly string[]) | undefined;
}

/** Raises FILTER_INVALID, and CONTAINER_NOT_FOUND where `before` or `since` names none. */
export function engineSelect(
  containers: readonly ContainerFacts[],
  query: EngineQuery,
  context: ListContext,
): ContainerFacts[] {
  const { all, filters } = query;
  const limit = query.limit === 0 ? undefined : query.limit;
  const listed = newestFirst(containers).map((facts) => ({ facts, ...listedAs(facts, context) }));
  const chosen = filterContainers(listed, { all: all || limit !== undefined, filters });
  return chosen.slice(0, limit).map(({ facts }) => facts);
}

function listedAs(facts: ContainerFacts, context: ListContext): DockerListed {
  const surroundings = context.surroundings(facts);
  const ports = containerPorts(facts, surroundings);
  const key = ({ port, protocol }: (typeof ports)[number]): string => `${port}/${protocol}`;
  return {
    id: facts.id,
    name: `/${facts.name}`,
    state: dockerState(facts),
    health: facts.health === undefined ? undefined : dockerHealth(facts.health),
    labels: labelsOfTags(facts.tags, surroundings.packageName),
    // Docker's code of a container that never ran is 0.
    exitCode: facts.exit?.code ?? 0,
    createdMs: facts.createdAt?.getTime(),
    ancestors: [...ownImageNames(facts), ...(context.imageNames?.(facts) ?? [])],
    volumes: facts.mounts.flatMap(({ volume, source, target }) => [
      ...(volume === undefined ? [] : [volume]),
      source,
      target,
    ]),
    networks: facts.nics.flatMap((nic) => [
      networkNameOf(nic, surroundings),
      ...[nic.nicTag, nic.networkUuid].filter((name) => name !== undefined),
    ]),
    published: ports.filter(({ published }) => published).map(key),
    exposed: ports.map(key),
  };
}

/** As the container was asked for, and its ids, the digest with and without its algorithm and shortened. */
function ownImageNames({ imageName, imageId, imageUuid }: ContainerFacts): string[] {
  const hex = imageId?.replace(/^sha256:/, "");
  return [imageName, imageId, hex, hex?.slice(0, 12), imageUuid].filter((name) => name !== undefined);
}
