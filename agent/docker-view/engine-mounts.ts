// Mounts in Docker's forms.
import type { ContainerFacts, MountFacts } from "./facts.ts";

/** `Mounts` of inspect and of the list: volumes in a zone's dataset, and directories of the node. */
export function mountPoints({ mounts }: ContainerFacts): Record<string, unknown>[] {
  return mounts.map((mount) => ({
    ...(mount.volume === undefined ? { Type: "bind" } : { Type: "volume", Name: mount.volume }),
    Source: mount.source,
    Destination: mount.target,
    ...(mount.volume === undefined ? {} : { Driver: "zfs" }),
    Mode: mount.readOnly ? "ro" : "",
    RW: !mount.readOnly,
    Propagation: "",
  }));
}

/** `HostConfig.Binds`. */
export function binds({ mounts }: ContainerFacts): string[] | null {
  const bound = mounts.filter((mount) => mount.volume === undefined);
  return bound.length === 0 ? null : bound.map(bindText);
}

function bindText({ source, target, readOnly }: MountFacts): string {
  return `${source}:${target}${readOnly ? ":ro" : ""}`;
}

/** `Config.Volumes`: the container's own anonymous volumes. */
export function volumesOf({ mounts }: ContainerFacts): Record<string, unknown> | null {
  const own = mounts.filter((mount) => mount.own);
  return own.length === 0 ? null : Object.fromEntries(own.map(({ target }) => [target, {}]));
}
