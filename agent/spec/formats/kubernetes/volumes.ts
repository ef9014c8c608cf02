// Volumes of the pod and where a container mounts them.
import type { NeutralMount } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import { expand } from "./expand.ts";
import type { Container, PodSpec, Volume } from "./schema.ts";
import { bytesOf } from "./values.ts";

/** What a volume gives to each mount of it; undefined for one that is left out. */
export type VolumeSource = Pick<NeutralMount, "type" | "source" | "readOnly" | "sizeBytes" | "gid">;

const NO_STORE = "there is no store of config maps and secrets here";
const UNSAFE_PATHS = ["Socket", "CharDevice", "BlockDevice"];

/** By name, in document order. Complains about doubled names and volumes of several kinds. */
export function readVolumes(spec: PodSpec, report: Report): ReadonlyMap<string, VolumeSource | undefined> {
  const volumes = new Map<string, VolumeSource | undefined>();
  for (const [i, volume] of spec.volumes.entries()) {
    const at = ["spec", "volumes", i];
    if (volumes.has(volume.name)) report.complain([...at, "name"], `a second volume ${JSON.stringify(volume.name)}`);
    const kinds = Object.entries(volume).flatMap(([key, value]) =>
      key === "name" || value === undefined ? [] : [key],
    );
    if (kinds.length > 1) report.complain(at, `must have one source, not ${kinds.join(" and ")}`);
    volumes.set(volume.name, sourceOf(volume, spec.securityContext?.fsGroup, at, report));
  }
  return volumes;
}

function sourceOf(volume: Volume, gid: number | undefined, at: SpecPath, report: Report): VolumeSource | undefined {
  const { hostPath, persistentVolumeClaim: claim, nfs, emptyDir } = volume;
  if (hostPath !== undefined) {
    if (UNSAFE_PATHS.includes(hostPath.type ?? ""))
      report.refuse([...at, "hostPath", "type"], "sockets and devices of the node cannot be given to a zone");
    return { type: "bind", source: hostPath.path, readOnly: false };
  }
  if (claim !== undefined) return { type: "volume", source: claim.claimName, readOnly: claim.readOnly };
  if (nfs !== undefined) return { type: "nfs", source: `${nfs.server}:${nfs.path}`, readOnly: nfs.readOnly };
  for (const kind of ["configMap", "secret", "projected", "downwardAPI"] as const) {
    if (volume[kind] === undefined) continue;
    const optional = (volume.configMap ?? volume.secret)?.optional ?? false;
    if (optional) report.warn([...at, kind], `${NO_STORE}: the volume is left out`);
    else report.refuse([...at, kind], NO_STORE);
    return undefined;
  }
  const size = emptyDir?.sizeLimit;
  const medium = emptyDir?.medium;
  if (medium !== undefined && medium !== "Memory")
    report.warn([...at, "emptyDir", "medium"], `${JSON.stringify(medium)} cannot be had: it is a plain directory`);
  return {
    type: medium === "Memory" ? "tmpfs" : "empty",
    source: volume.name,
    readOnly: false,
    ...(size === undefined ? {} : { sizeBytes: bytesOf(size) }),
    ...(gid === undefined ? {} : { gid }),
  };
}

/** Mounts of a container, and where each is written. */
export function readMounts(
  container: Container,
  volumes: ReadonlyMap<string, VolumeSource | undefined>,
  env: Readonly<Record<string, string>>,
  path: SpecPath,
  report: Report,
): { readonly mount: NeutralMount; readonly path: SpecPath }[] {
  const targets = new Set<string>();
  return container.volumeMounts.flatMap((entry, i) => {
    const at = [...path, "volumeMounts", i];
    if (targets.has(entry.mountPath)) report.complain([...at, "mountPath"], `a second mount at ${entry.mountPath}`);
    targets.add(entry.mountPath);
    if (!volumes.has(entry.name)) {
      report.complain([...at, "name"], `the pod has no volume named ${JSON.stringify(entry.name)}`);
      return [];
    }
    if (entry.subPath !== undefined && entry.subPathExpr !== undefined)
      report.complain([...at, "subPathExpr"], "excludes subPath", { at: "key" });
    const key = entry.subPathExpr === undefined ? "subPath" : "subPathExpr";
    const subpath =
      entry.subPath ??
      (entry.subPathExpr === undefined ? undefined : expand(entry.subPathExpr, env, [...at, "subPathExpr"], report));
    if (subpath !== undefined && (subpath.startsWith("/") || subpath.split("/").includes("..")))
      report.complain([...at, key], "must be a relative path without ..");
    const volume = volumes.get(entry.name);
    if (volume === undefined) return [];
    const mount: NeutralMount = {
      ...volume,
      target: entry.mountPath,
      readOnly: volume.readOnly || entry.readOnly,
      ...(subpath === undefined ? {} : { subpath }),
    };
    return [{ mount, path: at }];
  });
}
