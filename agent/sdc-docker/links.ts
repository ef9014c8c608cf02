// Links: variables and hosts lines about another container (sdc-docker.md 9).
import { containerPorts } from "../docker-view/container-ports.ts";
import { containerFacts, type ContainerFacts } from "../docker-view/facts.ts";
import { sdcLookUp } from "../docker-view/look-up.ts";
import type { ContainerLink } from "../docker-view/surroundings.ts";
import type { ZoneLike } from "../docker-view/zone-like.ts";
import { hasCode } from "../errors/agent-error.ts";
import { asserted } from "./refuse.ts";

export interface LinkPlan {
  readonly env: readonly string[];
  readonly hosts: string;
  readonly links: readonly ContainerLink[];
}

const UNSHARED = /^(?:HOME|PATH)=/;

export function planLinks(
  entries: readonly string[],
  container: { readonly uuid: string; readonly name: string },
  zones: readonly ZoneLike[],
  firewallRules: readonly string[],
): LinkPlan {
  const all = entries.length === 0 ? [] : zones.map((zone) => containerFacts(zone));
  const plans = entries.map((entry) => {
    const colon = entry.indexOf(":");
    if (colon < 1)
      throw asserted(
        `first of 1 error: Invalid link config entry found: ${entry}, expected to find a colan character.`,
      );
    const alias = entry.slice(colon + 1);
    const target = find(entry.slice(0, colon), all);
    return planLink(alias, target, container, firewallRules);
  });
  return {
    env: plans.flatMap((plan) => plan.env),
    hosts: plans.map((plan) => plan.hosts).join(""),
    links: plans.flatMap((plan) => plan.links),
  };
}

function planLink(
  alias: string,
  target: ContainerFacts,
  container: { readonly uuid: string; readonly name: string },
  firewallRules: readonly string[],
): LinkPlan {
  const prefix = alias.toUpperCase().replaceAll("-", "_");
  // The last nic on an overlay network, else the first.
  const nic = target.nics.findLast((one) => one.nicTag?.includes("/")) ?? target.nics[0];
  const address = nic?.address;
  const ports = address === undefined ? [] : containerPorts(target, { firewallRules, links: [] });
  const shared = (target.env ?? []).filter((entry) => !UNSHARED.test(entry));
  return {
    env: [
      `${prefix}_NAME=/${container.name}/${alias}`,
      ...shared.map((entry) => `${prefix}_ENV_${entry}`),
      ...ports.flatMap(({ port, protocol }) => {
        const name = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
        return [
          `${name}=${protocol}://${address}:${port}`,
          `${name}_ADDR=${address}`,
          `${name}_PORT=${port}`,
          `${name}_PROTO=${protocol}`,
        ];
      }),
    ],
    hosts: address === undefined ? "" : `${address}\t${alias} ${target.hostname} ${target.name}\n`,
    links: [
      {
        containerUuid: container.uuid,
        containerName: container.name,
        targetUuid: target.uuid,
        targetName: target.name,
        alias,
      },
    ],
  };
}

function find(reference: string, all: readonly ContainerFacts[]): ContainerFacts {
  try {
    return sdcLookUp(reference, all);
  } catch (error) {
    if (hasCode(error, "CONTAINER_NOT_FOUND"))
      throw asserted(`first of 1 error: Could not get container for ${reference}`);
    throw error;
  }
}
