// From what a person types to one zone.
import { containerName, dockerId } from "../docker-view/identity.ts";
import { AgentError } from "../errors/agent-error.ts";
import { suggest } from "../util/suggest.ts";
import type { VmObject } from "../vmadm/schema.ts";

export { containerName, dockerId };

/**
 * The zone a reference means: its name, its uuid, its docker id, or a prefix of either id that fits one zone only.
 * A name wins over prefixes. Raises CONTAINER_NOT_FOUND (with the nearest name) or CONTAINER_AMBIGUOUS (with the candidates).
 */
export function findZone(reference: string, vms: readonly VmObject[]): VmObject {
  const name = reference.startsWith("/") ? reference.slice(1) : reference;
  const named = vms.filter((vm) => vm.alias === name);
  if (named.length > 1) throw ambiguous(reference, named);
  if (named[0]) return named[0];
  const hex = name.toLowerCase();
  const matches = /^[0-9a-f-]+$/.test(hex)
    ? vms.filter((vm) => vm.uuid.startsWith(hex) || dockerId(vm).startsWith(hex))
    : [];
  if (matches.length > 1) throw ambiguous(reference, matches);
  if (matches[0]) return matches[0];
  const near = suggest(
    name,
    vms.map((vm) => vm.alias).filter((alias) => alias !== undefined),
  );
  throw new AgentError("CONTAINER_NOT_FOUND", `no container "${reference}"`, {
    hint: near === undefined ? 'see "zonelet ps -a"' : `did you mean "${near}"?`,
  });
}

function ambiguous(reference: string, candidates: readonly VmObject[]): AgentError {
  const list = candidates.map((vm) => `${containerName(vm)} (${vm.uuid})`);
  return new AgentError(
    "CONTAINER_AMBIGUOUS",
    `"${reference}" fits ${candidates.length} containers: ${list.slice(0, 8).join(", ")}`,
    {
      hint: "give more of the id, or the uuid",
      details: { candidates: candidates.map((vm) => vm.uuid) },
    },
  );
}
