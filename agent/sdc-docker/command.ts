// What the container runs: the predecessor's rules of merging with the image, which are not the Engine's (sdc-docker.md 4).
import type { CreateBody } from "./create-body.ts";
import type { SdcImage } from "./context.ts";
import { failed } from "./refuse.ts";

export interface MergedCommand {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workdir: string;
}

/**
 * An array in the body counts also where it is empty: the image's Cmd is taken only when the body has neither, its
 * Entrypoint when the body has none. The environment is the image's followed by the body's, twins kept.
 */
export function mergeCommand(body: CreateBody, { config }: SdcImage): MergedCommand {
  const neither = body.cmd === undefined && body.entrypoint === undefined;
  const cmd = body.cmd ?? (neither ? config.Cmd : undefined) ?? [];
  const entrypoint = body.entrypoint ?? config.Entrypoint ?? [];
  if (cmd.length === 0 && entrypoint.length === 0) throw failed("NO_COMMAND", "No command specified");
  return {
    entrypoint,
    cmd,
    env: [...(config.Env ?? []), ...(body.env ?? [])],
    user: body.user === "" ? (config.User ?? "") : body.user,
    workdir: body.workdir === "" ? (config.WorkingDir ?? "") : body.workdir,
  };
}
