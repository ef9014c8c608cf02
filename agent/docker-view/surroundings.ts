// What the views show of a container that its zone's record does not tell.
import type { NicFacts } from "./facts.ts";

/** `docker run --link`: the container sees the target under the alias. */
export interface ContainerLink {
  readonly containerUuid: string;
  readonly containerName: string;
  readonly targetUuid: string;
  readonly targetName: string;
  readonly alias: string;
}

export interface Surroundings {
  /** Texts of the node's firewall rules; those for other zones are passed over. */
  readonly firewallRules: readonly string[];
  readonly links: readonly ContainerLink[];
  /** Name of the package the zone was made with, where it is known. */
  readonly packageName?: string | undefined;
}

export interface DiskUse {
  /** Bytes the container has written, and those with its image's. */
  readonly written: number;
  readonly total: number;
}

/** What a node knows beside. */
export interface NodeSurroundings extends Surroundings {
  /** Name of the network a nic is in. Default: its nic tag. */
  readonly networkName?: (nic: NicFacts) => string | undefined;
  readonly disk?: DiskUse | undefined;
}

export const NO_SURROUNDINGS: NodeSurroundings = { firewallRules: [], links: [] };
