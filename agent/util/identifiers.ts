// containerd's rule for namespaces, ids and the parts of topics (events-and-filters.md 5): whatever follows it may become a
// path component.

const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
const MAX_LENGTH = 76;

/** What is wrong with an identifier, in containerd's words; undefined when nothing is. */
export function identifierFault(text: string): string | undefined {
  if (text === "") return "identifier must not be empty";
  if (text.length > MAX_LENGTH) return `identifier "${text}" greater than maximum length (${MAX_LENGTH} characters)`;
  return IDENTIFIER.test(text) ? undefined : `identifier "${text}" must match ${IDENTIFIER.source}`;
}

/** Label that puts a container into a namespace of its own. */
export const NAMESPACE_LABEL = "zonelet.namespace";
/** The namespace of containers that name none. */
export const DEFAULT_NAMESPACE = "default";
/** The namespace of zones that others made. */
export const FOREIGN_NAMESPACE = "unmanaged";
