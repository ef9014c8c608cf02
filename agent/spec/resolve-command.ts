// What a container runs and with which variables.
import { metadataTextFault } from "./metadata-text.ts";
import type { SpecPath } from "./problem.ts";
import type { ResolveContext } from "./resolve.ts";
import type { FieldOrigin } from "./resolved.ts";

/** Entrypoint and command by Docker's rules (moby daemon/commit.go); both may end empty. */
export function resolveCommand(context: ResolveContext) {
  const { spec, image } = context;
  const config = image.configuration.config;
  let entrypoint = spec.entrypoint;
  let cmd = spec.command;
  const fromImage = (why: string): FieldOrigin => ({ from: "image", why });
  let entrypointOrigin = context.fromSpec("entrypoint");
  let cmdOrigin = context.fromSpec("command");
  if (entrypoint === undefined || entrypoint.length === 0) {
    if (cmd === undefined || cmd.length === 0) {
      cmd = config?.Cmd ?? [];
      cmdOrigin = fromImage("Config.Cmd");
    }
    if (entrypoint === undefined) {
      entrypoint = config?.Entrypoint ?? [];
      entrypointOrigin = fromImage("Config.Entrypoint");
    }
  } else if (cmd === undefined) {
    cmd = [];
    cmdOrigin = { from: "derived", why: "a given entrypoint drops the image's command" };
  }
  // `--entrypoint ""` arrives as one empty word and means none (moby daemon/create.go).
  if (entrypoint.length === 1 && entrypoint[0] === "") entrypoint = [];
  for (const [key, list] of [
    ["entrypoint", entrypoint],
    ["command", cmd],
  ] as const)
    list.forEach((text, i) => checkText(context, [key, i], text));
  return { entrypoint, cmd, entrypointOrigin, cmdOrigin };
}

/** The image's variables in their order, overridden in place, then the spec's own. A bare name removes. */
export function resolveEnv(context: ResolveContext): { entries: string[]; origin: FieldOrigin } {
  const fromImage = context.image.configuration.config?.Env ?? [];
  const merged = new Map<string, string>();
  for (const entry of fromImage) if (entry.includes("=")) merged.set(nameOf(entry), entry);
  for (const entry of context.spec.env ?? [])
    if (entry.includes("=")) merged.set(nameOf(entry), entry);
    else merged.delete(entry);
  for (const [name, entry] of merged) checkText(context, ["env", name], entry);
  const inSpec = context.spec.env !== undefined;
  const why = fromImage.length === 0 ? "" : "Config.Env";
  const { why: place } = context.fromSpec("env");
  return {
    entries: [...merged.values()],
    origin: inSpec
      ? { from: "spec", why: why === "" ? place : `${why} of the image, then ${place}` }
      : { from: "image", why: "Config.Env" },
  };
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf("="));
}

function checkText(context: ResolveContext, path: SpecPath, text: string): void {
  const fault = metadataTextFault(text);
  if (fault !== undefined) context.complain(path, fault);
}
