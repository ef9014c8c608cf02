// What a container has from its image: the rules of merging (moby daemon/commit.go, daemon/create.go;
// container-specs.md 1, 3 and 8). Pure; whoever resolves or explains a container uses these.
import { NAMESPACE_LABEL } from "../util/identifiers.ts";
import type { ImageConfig } from "./image-config.ts";
import { cleanPath } from "./paths.ts";

type Defaults = ImageConfig["config"];

/** The command is `entrypoint` followed by `args`. null: the image's; empty: empty, whatever the image says. */
export interface Command<T = readonly string[] | null> {
  readonly entrypoint: T;
  readonly args: T;
}

/**
 * A command as Docker's clients ask for it: an empty `cmd` counts as absent, an entrypoint drops the image's command,
 * and an entrypoint of one empty word clears both.
 */
export function dockerCommand(entrypoint: readonly string[] | undefined, cmd: readonly string[] | undefined): Command {
  const given = cmd === undefined || cmd.length === 0 ? null : cmd;
  if (entrypoint === undefined) return { entrypoint: null, args: given };
  if (entrypoint.length === 0) return { entrypoint: [], args: given };
  const cleared = entrypoint.length === 1 && entrypoint[0] === "";
  return { entrypoint: cleared ? [] : entrypoint, args: given ?? [] };
}

/** What runs. Both parts may end empty: then nobody says what to run. */
export function effectiveCommand(image: Defaults, { entrypoint, args }: Command): Command<readonly string[]> {
  return { entrypoint: entrypoint ?? image?.Entrypoint ?? [], args: args ?? image?.Cmd ?? [] };
}

/** By name, as `NAME=value`: the image's in their order, overridden in place, then the own ones. A bare name removes. */
export function effectiveEnv(image: Defaults, own: readonly string[]): Map<string, string> {
  const merged = new Map<string, string>();
  for (const entry of image?.Env ?? []) if (entry.includes("=")) merged.set(variableName(entry), entry);
  for (const entry of own)
    if (entry.includes("=")) merged.set(variableName(entry), entry);
    else merged.delete(entry);
  return merged;
}

function variableName(entry: string): string {
  return entry.slice(0, entry.indexOf("="));
}

/** Labels beginning so mean something to the platform's own services or to us; an image's are dropped. */
export const RESERVED_LABELS = ["zonelet.", "triton.", "com.joyent."];

/** A label a spec may not set; the one that names a namespace it may. */
export function isReservedLabel(key: string): boolean {
  return key !== NAMESPACE_LABEL && hasReservedPrefix(key);
}

function hasReservedPrefix(key: string): boolean {
  return RESERVED_LABELS.some((prefix) => key.startsWith(prefix));
}

export function effectiveLabels(image: Defaults, own: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.entries(image?.Labels ?? {}).filter(([key]) => !hasReservedPrefix(key));
  return Object.fromEntries([...inherited, ...Object.entries(own)]);
}

/** Targets of the anonymous volumes the image asks for, those left out where something else is mounted. */
export function imageVolumes(image: Defaults, taken: readonly string[]): string[] {
  const targets = Object.keys(image?.Volumes ?? {}).map(cleanPath);
  const others = new Set(taken.map(cleanPath));
  return [...new Set(targets)].filter((target) => !others.has(target));
}
