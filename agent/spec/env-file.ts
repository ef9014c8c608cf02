// Env files: `K=V` lines as `docker run --env-file` takes them (docker/cli opts/file.go).
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ContainerSpec } from "./container-spec.ts";
import { specError, type SpecProblem } from "./problem.ts";
import { problemAt, type SpecSource } from "./source.ts";

/**
 * Entries of an env file, in order. Blank lines and lines beginning with `#` are skipped, leading white space is cut,
 * values are taken as they are: no quotes, no expansion. A line without `=` would take the value of the caller's own
 * environment with Docker; here it is refused, because a daemon's environment is nobody's business.
 */
export function parseEnvFile(text: string, name: string): { entries: string[]; problems: SpecProblem[] } {
  const entries: string[] = [];
  const problems: SpecProblem[] = [];
  text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .forEach((raw, i) => {
      const line = raw.replace(/\r$/, "").trimStart();
      if (line === "" || line.startsWith("#")) return;
      const variable = line.split("=", 1)[0] ?? "";
      const message = !line.includes("=")
        ? // The line may be half a secret: its number is enough.
          "not K=V"
        : variable === "" || /\s/.test(variable)
          ? `${JSON.stringify(variable)} is not a name for a variable`
          : undefined;
      if (message === undefined) entries.push(line);
      else problems.push({ where: `${name}:${i + 1}:1`, file: name, line: i + 1, column: 1, path: "", message });
    });
  return { entries, problems };
}

/** The spec with its env files read: their variables come before those of `env`. Raises SPEC_INVALID. */
export async function withEnvFiles(spec: ContainerSpec, source: SpecSource, directory: string): Promise<ContainerSpec> {
  const { envFile, ...rest } = spec;
  if (envFile === undefined) return spec;
  const entries: string[] = [];
  const problems: SpecProblem[] = [];
  for (const [i, path] of envFile.entries()) {
    try {
      const parsed = parseEnvFile(await readFile(resolve(directory, path), "utf8"), path);
      entries.push(...parsed.entries);
      problems.push(...parsed.problems);
    } catch (error) {
      const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
      problems.push(problemAt(source, ["envFile", i], `cannot read ${path} (${reason})`));
    }
  }
  if (problems.length > 0) throw specError("SPEC_INVALID", problems);
  return { ...rest, env: [...entries, ...(spec.env ?? [])] };
}
