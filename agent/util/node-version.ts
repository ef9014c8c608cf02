/** The oldest node the programs run on: zstd in zlib, `node:sqlite`, `Promise.withResolvers` (DECISIONS.md). */
const OLDEST = [22, 22] as const;

/** A sentence for the user of a node that is too old; undefined when it will do. */
export function nodeTooOld(version: string = process.versions.node): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `needs node ${OLDEST[0]}.${OLDEST[1]} or newer, this is ${version}`;
}
