// Volumes of the spec and of the image to lofs mounts. Whether a source exists is for whoever can look (vmadm does not:
// a missing one fails only at boot); here the paths are judged as text.
import { randomUUID } from "node:crypto";
import { imageVolumes } from "./image-defaults.ts";
import { cleanPath } from "./paths.ts";
import type { ResolveContext } from "./resolve.ts";
import type { ResolvedMount } from "./resolved.ts";

/** vmadm mounts its own files there (vmadm.md 7). */
const PLATFORM_FILES = new Map([
  ["/etc/hosts", "extraHosts"],
  ["/etc/hostname", "hostname"],
  ["/etc/resolv.conf", "dns"],
]);

export function resolveMounts(context: ResolveContext): ResolvedMount[] {
  const mounts: ResolvedMount[] = [];
  (context.spec.volumes ?? []).forEach((volume, i) => {
    const target = cleanPath(volume.target);
    const field = PLATFORM_FILES.get(target);
    if (field !== undefined) {
      context.warn(["volumes", i], `${target} belongs to the platform: the mount is left out`, `use ${field}`);
      return;
    }
    if (target === "/") context.complain(["volumes", i], "the target must not be the root directory");
    if (mounts.some((mount) => mount.target === target))
      context.complain(["volumes", i], `a second volume at ${target}`);
    for (const path of [volume.source ?? "", volume.target])
      if (/[\0-\x1f\x7f]/.test(path))
        context.complain(["volumes", i], `${JSON.stringify(path)} contains control characters`);
    if (volume.source !== undefined) checkSource(context, volume.source, i);
    mounts.push({
      type: volume.type,
      source: volume.source === undefined ? randomUUID() : cleanPath(volume.source),
      target,
      readOnly: volume.readOnly,
    });
  });
  const taken = ["/", ...PLATFORM_FILES.keys(), ...mounts.map((mount) => mount.target)];
  for (const target of imageVolumes(context.image.configuration.config, taken))
    mounts.push({ type: "volume", source: randomUUID(), target, readOnly: false });
  // Docker's order: what is mounted later must not hide what lies below it.
  return mounts.toSorted((a, b) => depth(a.target) - depth(b.target));
}

function depth(target: string): number {
  return target.split("/").length;
}

function checkSource(context: ResolveContext, source: string, i: number): void {
  const roots = context.node.mounts.allowedRoots;
  const path = cleanPath(source);
  if (isAllowedSource(source, roots)) return;
  const allowed = roots.length === 0 ? "which allows none" : `which allows ${roots.join(", ")}`;
  context.complain(
    ["volumes", i],
    `${path} is not below a directory of the configuration's mounts.allowedRoots, ${allowed}`,
  );
}

/** Whether a path of the global zone lies at or below one of the roots, `..` resolved; links are for who can look. */
export function isAllowedSource(source: string, roots: readonly string[]): boolean {
  return roots.some((root) => isBelow(cleanPath(source), cleanPath(root)));
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root === "/" ? "/" : `${root}/`);
}
