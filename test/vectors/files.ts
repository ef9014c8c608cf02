// From a directory to its cases.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { FAMILIES } from "./families.ts";
import type { VectorCase } from "./vector.ts";

/** A case with the file it stands in, relative to the directory that was named. */
export interface FoundCase extends VectorCase {
  readonly file: string;
}

/** All `*.json` below a directory (or the one file named), in order of their names. */
export function vectorFiles(directory: string): string[] {
  if (!existsSync(directory)) throw new Error(`${directory}: no such directory`);
  if (statSync(directory).isFile()) return [directory];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/**
 * The cases of every file below a directory. A file nobody knows, or one that is not well-formed, is a case that fails
 * and says why. Raises an error where there is no vector at all.
 */
export function vectorCases(directory: string): FoundCase[] {
  const files = vectorFiles(directory);
  const cases = files.flatMap((path) => {
    const file = relative(directory, path) || path;
    return casesOf(path).map((one) => ({ ...one, file }));
  });
  if (cases.length === 0) throw new Error(`${directory}: no vectors`);
  return cases;
}

function casesOf(path: string): readonly VectorCase[] {
  try {
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    for (const family of FAMILIES) {
      const cases = family.cases({ path, json });
      if (cases !== undefined) return cases;
    }
    const kind = typeof json === "object" && json !== null && "kind" in json ? json.kind : undefined;
    const what = kind === undefined ? "a file of no known kind" : `unknown kind ${JSON.stringify(kind)}`;
    const known = FAMILIES.map(({ name, kinds }) => `${name} (${kinds.join(", ")})`);
    return [broken(`${what}; known are ${known.join("; ")}`)];
  } catch (error) {
    return [broken(error instanceof Error ? error.message : String(error))];
  }
}

function broken(why: string): VectorCase {
  return { name: "", quirk: false, check: () => [{ path: "", expected: "a vector", got: why }] };
}
