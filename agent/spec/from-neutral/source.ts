// Complaints about a spec made from a foreign document, told with that document's words and places.
import type { ContainerSpec } from "../container-spec.ts";
import type { NeutralApp } from "../neutral.ts";
import type { SpecPath } from "../problem.ts";
import type { SpecSource } from "../source.ts";

/** Our field → the neutral one it was made from, where the names differ. */
const NEUTRAL_FIELDS: Readonly<Partial<Record<keyof ContainerSpec, string>>> = {
  name: "containerName",
  command: "args",
  workdir: "cwd",
  memory: "memoryBytes",
  memorySwap: "swapBytes",
  cpus: "cpuCores",
  pids: "pidsLimit",
  disk: "diskBytes",
  log: "logging",
  stopTimeout: "stopTimeoutMs",
  healthcheck: "health",
  nonRoot: "requireNonRoot",
};

/**
 * `value` is the spec in its own notation. `mounts` tells from which of the app's mounts the spec's volume or file `i`
 * was made.
 */
export function convertedSource(
  source: SpecSource,
  app: NeutralApp,
  value: unknown,
  mounts: { readonly volumes: readonly number[]; readonly files: readonly number[] },
): SpecSource {
  const pathOf = ([field, ...rest]: SpecPath): SpecPath => {
    if (typeof field !== "string") return app.at;
    if ((field === "volumes" || field === "files") && typeof rest[0] === "number")
      return placeOf(app, `mounts[${mounts[field][rest[0]] ?? -1}]`);
    const neutral = Object.entries(NEUTRAL_FIELDS).find(([own]) => own === field)?.[1] ?? field;
    const place = placeOf(app, neutral);
    // Below a field only words and names are the same on both sides.
    return ["labels", "env", "entrypoint", "command"].includes(field) ? [...place, ...rest] : place;
  };
  return {
    name: source.name,
    value,
    pathOf,
    locate: (path, at) => source.locate(pathOf(path), at),
  };
}

/** Where a neutral field stands in the document; where its app does when that is not known. */
export function placeOf(app: NeutralApp, field: string): SpecPath {
  return Object.hasOwn(app.places, field) ? (app.places[field] ?? app.at) : app.at;
}
