// Volumes of the spec and of the image to lofs mounts. Whether a source exists is for whoever can look (vmadm does not:
// a missing one fails only at boot); here the paths are judged as text.
import { randomUUID } from "node:crypto";
import { isVolumeName } from "../util/ids.ts";
import { imageVolumes } from "./image-defaults.ts";
import { metadataTextFault } from "./metadata-text.ts";
import { cleanPath } from "./paths.ts";
import type { ResolveContext } from "./resolve.ts";
import type { DirectoryOwner, ResolvedFile, ResolvedMount, ResolvedNfs } from "./resolved.ts";
import type { VolumeSpec } from "./volume-fields.ts";
import { parseVolumePath, volumePath, type VolumePlace } from "./volume-place.ts";

/** A mount of another container that is taken over as it is. */
export interface BorrowedMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The mounts a container named in `volumesFrom` has; a text says why they cannot be had. */
export type MountsOf = (container: string) => readonly BorrowedMount[] | string;

export interface Mounts {
  readonly mounts: readonly ResolvedMount[];
  readonly nfs: readonly ResolvedNfs[];
  readonly files: readonly ResolvedFile[];
}

/** vmadm mounts its own files there (vmadm.md 7). */
const PLATFORM_FILES = new Map([
  ["/etc/hosts", "extraHosts"],
  ["/etc/hostname", "hostname"],
  ["/etc/resolv.conf", "dns"],
]);
/** Docker's: what an empty directory of a pod looks like to everybody in it. */
const OPEN_TO_ALL = 0o777;

export function resolveMounts(context: ResolveContext): Mounts {
  const mounts: ResolvedMount[] = [];
  const nfs: ResolvedNfs[] = [];
  const taken = new Set<string>();
  (context.spec.volumes ?? []).forEach((volume, i) => {
    const target = cleanPath(volume.target);
    if (!isFree(context, ["volumes", i], target, taken)) return;
    taken.add(target);
    for (const path of [volume.source ?? "", volume.target])
      if (/[\0-\x1f\x7f]/.test(path))
        context.complain(["volumes", i], `${JSON.stringify(path)} contains control characters`);
    if (volume.type === "nfs") nfs.push({ source: volume.source ?? "", target, readOnly: volume.readOnly });
    else mounts.push(resolveMount(context, volume, target, i));
  });
  borrow(context, mounts, taken);
  const files = resolveFiles(context, taken, [...mounts, ...nfs]);
  for (const target of imageVolumes(context.image.configuration.config, ["/", ...PLATFORM_FILES.keys(), ...taken]))
    mounts.push({ type: "volume", source: randomUUID(), target, readOnly: false });
  // Docker's order: what is mounted later must not hide what lies below it.
  return { mounts: mounts.toSorted((a, b) => depth(a.target) - depth(b.target)), nfs, files };
}

function depth(target: string): number {
  return target.split("/").length;
}

function isFree(
  context: ResolveContext,
  path: readonly (string | number)[],
  target: string,
  taken: ReadonlySet<string>,
): boolean {
  const field = PLATFORM_FILES.get(target);
  if (field !== undefined) {
    context.warn(path, `${target} belongs to the platform: the mount is left out`, `use ${field}`);
    return false;
  }
  if (target === "/") context.complain(path, "the target must not be the root directory");
  if (taken.has(target)) context.complain(path, `a second volume at ${target}`);
  return true;
}

function resolveMount(context: ResolveContext, volume: VolumeSpec, target: string, i: number): ResolvedMount {
  const { readOnly, source } = volume;
  const { subpath = "" } = volume;
  switch (volume.type) {
    case "bind":
      checkSource(context, source ?? "", i);
      return { type: "bind", source: cleanPath(source ?? ""), target, readOnly };
    case "nfs":
      return { type: "volume", source: randomUUID(), target, readOnly };
    case "empty": {
      const owner = { mode: volume.mode ?? OPEN_TO_ALL, uid: volume.uid ?? 0, gid: volume.gid ?? 0 };
      if (context.group === undefined || source === undefined || !isVolumeName(source)) {
        if (volume.sizeBytes !== undefined)
          context.warn(["volumes", i], "the size of the directory is limited by the zone's disk only");
        return { type: "volume", source: randomUUID(), target, readOnly, owner };
      }
      const place: VolumePlace = { kind: "group", group: context.group.name, name: source };
      return nodeVolume(context, volume, target, place, subpath, owner);
    }
    case "volume":
      if (source === undefined || !isVolumeName(source))
        return { type: "volume", source: randomUUID(), target, readOnly };
      return nodeVolume(context, volume, target, { kind: "named", name: source }, subpath);
  }
}

function nodeVolume(
  context: ResolveContext,
  { readOnly, copy, sizeBytes, labels, existing }: VolumeSpec,
  target: string,
  place: VolumePlace,
  subpath: string,
  owner?: DirectoryOwner,
): ResolvedMount {
  return {
    type: "bind",
    source: volumePath(context.node.host.pool, place, subpath),
    target,
    readOnly,
    volume: {
      place,
      subpath,
      readOnly,
      ...(place.kind === "named" && copy !== false && subpath === "" ? { copyFrom: target } : {}),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(labels === undefined ? {} : { labels }),
      ...(existing === true ? { existing } : {}),
      ...(owner === undefined ? {} : { owner }),
    },
  };
}

/** What the spec mounts itself wins over what it takes from others (Docker's rule). */
function borrow(context: ResolveContext, mounts: ResolvedMount[], taken: Set<string>): void {
  (context.spec.volumesFrom ?? []).forEach(({ container, readOnly }, i) => {
    const path = ["volumesFrom", i];
    if (context.mountsOf === undefined) {
      context.warn(path, `the volumes of ${container} are looked up when the container is made`);
      return;
    }
    const found = context.mountsOf(container);
    if (typeof found === "string") {
      context.complain(path, found);
      return;
    }
    for (const mount of found) {
      const target = cleanPath(mount.target);
      if (taken.has(target) || PLATFORM_FILES.has(target)) continue;
      const part = parseVolumePath(context.node.host.pool, mount.source);
      if (part === undefined && !isZoneVolume(mount.source) && !isAllowedSource(mount.source, roots(context))) {
        context.complain(path, `${mount.source} of ${container} may not be mounted: ${allowed(context)}`);
        continue;
      }
      taken.add(target);
      const both = readOnly || mount.readOnly;
      mounts.push({
        type: "bind",
        source: mount.source,
        target,
        readOnly: both,
        ...(part === undefined ? {} : { volume: { ...part, readOnly: both } }),
      });
    }
  });
}

/** A volume vmadm has made in a zone's own dataset (vmadm.md 8.3). */
function isZoneVolume(source: string): boolean {
  return /^\/[^/]+\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/volumes\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(
    source,
  );
}

function resolveFiles(
  context: ResolveContext,
  taken: Set<string>,
  mounts: readonly { readonly target: string }[],
): ResolvedFile[] {
  return (context.spec.files ?? []).flatMap((file, i) => {
    const target = cleanPath(file.target);
    const path = ["files", i, "target"];
    if (!isFree(context, path, target, taken)) return [];
    taken.add(target);
    if (/[\0-\x1f\x7f]/.test(target)) context.complain(path, `${JSON.stringify(target)} contains control characters`);
    const above = mounts.find((mount) => target.startsWith(`${mount.target}/`));
    if (above !== undefined) context.complain(path, `would be hidden by the volume at ${above.target}`);
    return [{ target, content: file.content, mode: file.mode, uid: file.uid, gid: file.gid }];
  });
}

/** NFS mounts as the platform's container init takes them; whether it can is for the node. */
export function checkNfs(context: ResolveContext, nfs: readonly ResolvedNfs[]): void {
  for (const { source, target } of nfs)
    for (const text of [source, target]) {
      const fault = metadataTextFault(text);
      if (fault !== undefined) context.complain(["volumes"], `${JSON.stringify(text)} ${fault}`);
    }
}

const roots = (context: ResolveContext): readonly string[] => context.node.mounts.allowedRoots;

function allowed(context: ResolveContext): string {
  const list = roots(context);
  return list.length === 0
    ? "the configuration's mounts.allowedRoots allows none"
    : `the configuration's mounts.allowedRoots allows ${list.join(", ")}`;
}

function checkSource(context: ResolveContext, source: string, i: number): void {
  const path = cleanPath(source);
  if (isAllowedSource(source, roots(context))) return;
  const list = roots(context);
  const which = list.length === 0 ? "which allows none" : `which allows ${list.join(", ")}`;
  context.complain(
    ["volumes", i],
    `${path} is not below a directory of the configuration's mounts.allowedRoots, ${which}`,
  );
}

/** Whether a path of the global zone lies at or below one of the roots, `..` resolved; links are for who can look. */
export function isAllowedSource(source: string, roots: readonly string[]): boolean {
  return roots.some((root) => isBelow(cleanPath(source), cleanPath(root)));
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root === "/" ? "/" : `${root}/`);
}
