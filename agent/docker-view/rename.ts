// New names for containers (sdc-docker.md 9, 23).
import type { ContainerFacts } from "./facts.ts";
import { refusal } from "./refusal.ts";
import type { ContainerLink } from "./surroundings.ts";

/** Two characters at least; the slash of Docker's own notation may stand before it. */
const NEW_NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** The rule of `rename` only; on create VMAPI has its own (sdc-docker.md 3). */
export function isRenameName(name: string): boolean {
  return NEW_NAME.test(name);
}

export interface RenamePlan {
  /** Payload of `vmadm update`: the alias and nothing else; a host name stays, as in Docker. */
  readonly update: { readonly alias: string };
  /** All links, with the new name on whichever side the container stands. */
  readonly links: readonly ContainerLink[];
}

/** Raises USAGE in the predecessor's words. A leading slash is stripped: the VM service would refuse such an alias. */
export function planRename(
  { uuid }: Pick<ContainerFacts, "uuid">,
  name: string,
  links: readonly ContainerLink[] = [],
): RenamePlan {
  if (!isRenameName(name)) throw refusal("USAGE", `Error when allocating new name: Invalid container name (${name})`);
  const alias = name.replace(/^\//, "");
  return {
    update: { alias },
    links: links.map((link) => ({
      ...link,
      ...(link.containerUuid === uuid ? { containerName: alias } : {}),
      ...(link.targetUuid === uuid ? { targetName: alias } : {}),
    })),
  };
}
