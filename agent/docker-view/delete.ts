// Which containers may be deleted (sdc-docker.md 23).
import type { ContainerFacts } from "./facts.ts";
import { refusal } from "./refusal.ts";

export interface DeleteRequest {
  /** As the client named it. */
  readonly reference: string;
  /** Also while it runs. */
  readonly force: boolean;
  /** `link=1`: the container's own name is no link. */
  readonly link: boolean;
}

/** Raises FailedPrecondition codes in the predecessor's words; otherwise the container may go. */
export function checkDelete(
  facts: ContainerFacts,
  others: readonly ContainerFacts[],
  { reference, force, link }: DeleteRequest,
): void {
  if (link) throw refusal("ZONE_STATE", "Conflict, cannot remove the default name of the container");
  if (facts.state === "provisioning")
    throw refusal("ZONE_STATE", `Conflict, cannot currently remove a provisioning container (id ${reference}).`);
  if (facts.state === "running" && !force)
    throw refusal(
      "CONTAINER_RUNNING",
      "Conflict, You cannot remove a running container. Stop the container before attempting removal or use -f",
    );
  const sharers = sharersOf(facts, others);
  if (sharers.length > 0)
    throw refusal(
      "ZONE_VOLUMES_SHARED",
      `Error deleting container: ${facts.name} is sharing its volume(s) with ${sharers.map(({ name }) => name).join(", ")}.`,
    );
}

/** Containers of the same server that mount a volume of this one: it would go with its zone. */
export function sharersOf(facts: ContainerFacts, others: readonly ContainerFacts[]): ContainerFacts[] {
  const own = new Set(facts.mounts.filter((mount) => mount.own).map(({ source }) => source));
  return others.filter(
    (other) =>
      other.uuid !== facts.uuid &&
      other.serverUuid === facts.serverUuid &&
      other.mounts.some(({ source }) => own.has(source)),
  );
}
