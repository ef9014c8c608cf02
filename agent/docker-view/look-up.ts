// From what a client types to one container.
import type { ContainerFacts } from "./facts.ts";
import { uuidPrefix } from "./identity.ts";
import { refusal } from "./refusal.ts";

/** States of a zone that no client sees. */
const INVISIBLE = new Set(["failed", "destroyed"]);

export function isVisible(facts: ContainerFacts): boolean {
  return !INVISIBLE.has(facts.state);
}

/**
 * The predecessor's look-up (sdc-docker.md 23): full docker id, then exact name, then a prefix of the uuid's digits that
 * fits one container only. Raises CONTAINER_NOT_FOUND; an ambiguous prefix is not found either.
 */
export function sdcLookUp(reference: string, containers: readonly ContainerFacts[]): ContainerFacts {
  const visible = containers.filter(isVisible);
  const full = /^[0-9a-f]{64}$/.test(reference) ? visible.find((facts) => facts.id === reference) : undefined;
  const named = full ?? visible.find((facts) => facts.alias === reference);
  if (named !== undefined) return named;
  const matches = /^[0-9a-f]+$/.test(reference)
    ? visible.filter((facts) => facts.uuid.startsWith(uuidPrefix(reference)))
    : [];
  if (matches.length !== 1 || matches[0] === undefined)
    throw refusal("CONTAINER_NOT_FOUND", `No such container: ${reference}`, { status: 404 });
  return matches[0];
}
