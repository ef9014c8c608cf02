// What a container runs and with which variables.
import type { ContainerSpec } from "./container-spec.ts";
import { dockerCommand, effectiveCommand, effectiveEnv, type Command } from "./image-defaults.ts";
import { metadataTextFault } from "./metadata-text.ts";
import type { SpecPath } from "./problem.ts";
import type { ResolveContext } from "./resolve.ts";
import type { FieldOrigin } from "./resolved.ts";

/** Entrypoint and command by Docker's rules; both may end empty. */
export function resolveCommand(context: ResolveContext) {
  const { spec, image } = context;
  const asked = context.command ?? specCommand(spec);
  const { entrypoint, args: cmd } = effectiveCommand(image.configuration.config, asked);
  for (const [key, list] of [
    ["entrypoint", entrypoint],
    ["command", cmd],
  ] as const)
    list.forEach((text, i) => checkText(context, [key, i], text));
  const fromImage = (why: string): FieldOrigin => ({ from: "image", why });
  const own: FieldOrigin =
    spec.command === undefined
      ? { from: "derived", why: "a given entrypoint drops the image's command" }
      : context.fromSpec("command");
  return {
    entrypoint,
    cmd,
    entrypointOrigin: asked.entrypoint === null ? fromImage("Config.Entrypoint") : context.fromSpec("entrypoint"),
    cmdOrigin: asked.args === null ? fromImage("Config.Cmd") : own,
  };
}

/** As Docker reads them; `none` is what Docker has no word for. */
export function specCommand({ entrypoint, command }: Pick<ContainerSpec, "entrypoint" | "command">): Command {
  if (command !== "none") return dockerCommand(entrypoint, command);
  return { entrypoint: dockerCommand(entrypoint, undefined).entrypoint, args: [] };
}

/** The image's variables in their order, overridden in place, then the spec's own. A bare name removes. */
export function resolveEnv(context: ResolveContext): { entries: string[]; origin: FieldOrigin } {
  const fromImage = context.image.configuration.config?.Env ?? [];
  const merged = effectiveEnv(context.image.configuration.config, context.spec.env ?? []);
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

function checkText(context: ResolveContext, path: SpecPath, text: string): void {
  const fault = metadataTextFault(text);
  if (fault !== undefined) context.complain(path, fault);
}
