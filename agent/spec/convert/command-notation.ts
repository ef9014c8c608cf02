// What runs, said in words whose reading depends on what is left out (image-defaults.ts).
import type { Command } from "../image-defaults.ts";

export interface CommandWords {
  readonly entrypoint?: readonly string[];
  /** `none`: no arguments, not the image's either. */
  readonly command?: readonly string[] | "none";
  /** What neither a container spec nor Docker has words for. */
  readonly gap?: string;
}

/** Entrypoint and command that Docker's rules read back as `asked`; `none` is for the caller to judge. */
export function commandWords({ entrypoint, args }: Command): CommandWords {
  const command = args === null ? {} : { command: args.length === 0 ? ("none" as const) : args };
  if (entrypoint === null) return command;
  // An empty word as the entrypoint means: clear both.
  if (entrypoint.length === 1 && entrypoint[0] === "")
    return { ...command, entrypoint, gap: "an empty word as program means no entrypoint here" };
  if (entrypoint.length === 0) return args?.length === 0 ? { entrypoint: [""] } : { entrypoint, ...command };
  if (args === null)
    return { entrypoint, gap: "the image's command cannot be kept behind another entrypoint: it is dropped" };
  return args.length === 0 ? { entrypoint } : { entrypoint, command: args };
}
