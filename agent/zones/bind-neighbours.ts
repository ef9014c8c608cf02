// Directories of the node that one container mounts and another one can write above. Within a volume of the node that is
// refused (volumes/usage.ts); below `mounts.allowedRoots` the operator has decided what may be shared, so it is told.
import { parseVolumePath } from "../spec/volume-place.ts";
import type { ContainerName } from "../util/ids.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { writerAbove } from "../volumes/usage.ts";
import type { PreparedZone, SpecWarning } from "../zoneinit/prepared.ts";
import { containerName } from "./find.ts";

interface Mount {
  /** Undefined: the container at hand. */
  readonly owner: string | undefined;
  readonly source: string;
  readonly readOnly: boolean;
}

/** At most one warning, about the first such pair; `zones` are those of the node, the container's own ones left out. */
export function bindWarnings(
  { name, manifest }: Pick<PreparedZone, "name" | "manifest">,
  zones: readonly VmObject[],
  pool: string,
): SpecWarning[] {
  const wanted = mountsIn(manifest.filesystems, undefined);
  if (!wanted.some(({ source }) => parseVolumePath(pool, source) === undefined)) return [];
  const others = zones
    .filter((vm) => vm.uuid !== manifest.uuid && vm.alias !== name)
    .flatMap((vm) => mountsIn(vm.filesystems, containerName(vm)));
  const pair = writerAbove(wanted, others, ({ source }) => source);
  return pair === undefined ? [] : [warning(pair.upper, pair.lower, name)];
}

function mountsIn(filesystems: VmObject["filesystems"], owner: string | undefined): Mount[] {
  return (filesystems ?? [])
    .filter(({ source }) => source.startsWith("/"))
    .map(({ source, options }) => ({ owner, source, readOnly: options?.includes("ro") ?? false }));
}

function warning(upper: Mount, lower: Mount, own: ContainerName): SpecWarning {
  const who = ({ owner }: Mount): string => `"${owner ?? own}"`;
  return {
    path: "volumes",
    message: `${who(lower)} mounts ${lower.source}, and ${who(upper)} can write to ${upper.source} above it: it could put a link in its place, and ${who(lower)} would be given what that names`,
    hint: "mount the upper one read-only, or directories beside each other",
  };
}
