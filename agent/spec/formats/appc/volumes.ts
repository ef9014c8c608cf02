// Volumes of a pod and how an app's mount points get them (container-specs.md 6).
import { z } from "zod";
import type { NeutralMount } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import { absentable, absolutePath, listOf } from "../go-json.ts";
import type { AcApp } from "./app.ts";
import { acName } from "./values.ts";

const OTHERS_FIELDS = { host: ["mode", "uid", "gid"], empty: ["source", "readOnly", "recursive"] } as const;
const DEFAULT_MODE = "0755";

export const volume = z
  .object({
    name: acName,
    kind: z.enum(["host", "empty"]),
    source: absentable(absolutePath),
    readOnly: absentable(z.boolean()),
    recursive: absentable(z.boolean()),
    mode: absentable(z.string().regex(/^[0-7]{3,4}$/, 'must be octal digits in quotes, such as "0755"')),
    uid: absentable(z.int().min(0, "must not be negative")),
    gid: absentable(z.int().min(0, "must not be negative")),
  })
  .check(({ value, issues }) => {
    const complain = (key: string, message: string): void => {
      issues.push({ code: "custom", input: value, path: [key], message });
    };
    for (const key of OTHERS_FIELDS[value.kind])
      if (value[key] !== undefined)
        complain(key, `is not for a volume of kind ${value.kind}; leave it out or change the kind`);
    if (value.kind === "host" && value.source === undefined)
      complain("source", "is required for a volume of kind host");
  });
export type Volume = z.output<typeof volume>;

export const mounts = listOf(z.object({ volume: acName, path: absolutePath, appVolume: absentable(volume) }));
type Mounts = z.output<typeof mounts>;

/** An app's mounts; complains of volumes nobody defines, mount points nobody serves and targets taken twice. */
export function readMounts(
  list: Mounts,
  app: AcApp | undefined,
  volumes: readonly Volume[],
  path: SpecPath,
  report: Report,
): NeutralMount[] {
  const byName = new Map(volumes.map((v) => [v.name, v]));
  const points = new Map((app?.mountPoints ?? []).map((point) => [point.path, point]));
  const taken = new Set<string>();
  const result = list.flatMap((mount, i) => {
    const at = [...path, "mounts", i];
    if (taken.has(mount.path)) report.complain([...at, "path"], `a second mount at ${JSON.stringify(mount.path)}`);
    taken.add(mount.path);
    const from = mount.appVolume ?? byName.get(mount.volume);
    if (from === undefined) {
      report.complain([...at, "volume"], `the pod has no volume named ${JSON.stringify(mount.volume)}`);
      return [];
    }
    if (from.recursive === false)
      report.warn(
        [...at, "recursive"],
        "what is mounted below the source appears, too",
        undefined,
        mount.appVolume === undefined
          ? ["volumes", volumes.indexOf(from), "recursive"]
          : [...at, "appVolume", "recursive"],
      );
    return [mountOf(from, mount.path, points.get(mount.path)?.readOnly ?? false)];
  });
  (app?.mountPoints ?? []).forEach((point, i) => {
    if (!taken.has(point.path))
      report.complain(
        [...path, "app", "mountPoints", i],
        `nothing is mounted at ${JSON.stringify(point.path)}; add a mount with this path`,
      );
  });
  return result;
}

function mountOf(from: Volume, target: string, pointIsReadOnly: boolean): NeutralMount {
  const readOnly = pointIsReadOnly || (from.readOnly ?? false);
  return from.kind === "host"
    ? { type: "bind", source: from.source ?? null, target, readOnly }
    : {
        type: "empty",
        source: from.name,
        target,
        readOnly,
        mode: from.mode ?? DEFAULT_MODE,
        uid: from.uid ?? 0,
        gid: from.gid ?? 0,
      };
}
