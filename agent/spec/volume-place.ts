// Where the node's volumes lie. The one place that makes such a path, and the one that reads it back from a zone: a lofs
// source below these roots that does not parse here is not ours.
import { isContainerName, isVolumeName, type ContainerName, type VolumeName } from "../util/ids.ts";

/** `named` lives until it is removed by name, `group` as long as the containers of its group. */
export type VolumePlace =
  | { readonly kind: "named"; readonly name: VolumeName }
  | { readonly kind: "group"; readonly group: ContainerName; readonly name: VolumeName };

/** Parents of the datasets; no name directly below the pool is a uuid, or imgadm would take it for an image (imgadm.md 1). */
export function volumeParents(pool: string): { readonly named: string; readonly groups: string } {
  return { named: `${pool}/zonelet/volumes`, groups: `${pool}/zonelet/groups` };
}

/** Name of the volume's dataset. */
export function volumeDataset(pool: string, place: VolumePlace): string {
  const { named, groups } = volumeParents(pool);
  return place.kind === "named" ? `${named}/${place.name}` : `${groups}/${place.group}/${place.name}`;
}

/** Path in the global zone; `subpath` is clean (`cleanSubpath`), empty for the whole. The pool is mounted at its name. */
export function volumePath(pool: string, place: VolumePlace, subpath = ""): string {
  return `/${volumeDataset(pool, place)}${subpath === "" ? "" : `/${subpath}`}`;
}

/** The volume a path of the global zone lies in; undefined for every other path. */
export function parseVolumePath(
  pool: string,
  path: string,
): { readonly place: VolumePlace; readonly subpath: string } | undefined {
  const { named, groups } = volumeParents(pool);
  const below = (root: string): string[] | undefined =>
    path.startsWith(`/${root}/`) ? path.slice(root.length + 2).split("/") : undefined;
  const [name = "", ...rest] = below(named) ?? [];
  if (isVolumeName(name) && isClean(rest)) return { place: { kind: "named", name }, subpath: rest.join("/") };
  const [group = "", shared = "", ...inner] = below(groups) ?? [];
  if (isContainerName(group) && isVolumeName(shared) && isClean(inner))
    return { place: { kind: "group", group, name: shared }, subpath: inner.join("/") };
  return undefined;
}

/** Doubled and closing slashes and `.` gone; undefined for an absolute path and for one with `..` in it. */
export function cleanSubpath(text: string): string | undefined {
  if (text.startsWith("/")) return undefined;
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  return isClean(parts) ? parts.join("/") : undefined;
}

function isClean(parts: readonly string[]): boolean {
  return parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\0-\x1f\x7f]/.test(part));
}
