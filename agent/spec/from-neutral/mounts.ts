// Mounts of an app as volumes and files of a spec.
import type { Report } from "../formats/format.ts";
import type { NeutralApp, NeutralDocument, NeutralMount } from "../neutral.ts";
import { cleanPath } from "../paths.ts";
import type { VolumeSpec } from "../volume-fields.ts";
import { placeOf } from "./source.ts";

/** In the spec's own notation. */
type VolumeInput = Pick<VolumeSpec, "type" | "target" | "readOnly"> & {
  readonly source?: string;
  readonly subpath?: string;
  readonly size?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly existing?: boolean;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
};

interface FileInput {
  readonly target: string;
  readonly content: string;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface MountInputs {
  readonly volumes: readonly VolumeInput[];
  readonly files: readonly FileInput[];
  /** Size of a memory file system at /tmp, where a zone can have one. */
  readonly tmpfs?: number | true;
  /** For each of them the index of the mount it was made from. */
  readonly origins: { readonly volumes: readonly number[]; readonly files: readonly number[] };
}

export function readMountInputs(
  app: NeutralApp,
  document: NeutralDocument,
  group: string,
  report: Report,
): MountInputs {
  const volumes: VolumeInput[] = [];
  const files: FileInput[] = [];
  const origins: { volumes: number[]; files: number[] } = { volumes: [], files: [] };
  const tmpfs = app.mounts.find(isZoneTmpfs);
  app.mounts.forEach((mount, i) => {
    if (mount === tmpfs) return;
    if (mount.type === "file") {
      files.push(fileOf(mount));
      origins.files.push(i);
      return;
    }
    const volume = volumeOf(mount, i, app, document, group, report);
    if (volume === undefined) return;
    volumes.push(volume);
    origins.volumes.push(i);
  });
  for (const { name, target, readOnly } of app.mountPoints ?? []) {
    if (app.mounts.some((mount) => mount.target === target)) continue;
    report.warn(placeOf(app, "mountPoints"), `the mount point ${name} is given an empty directory of its own`);
    volumes.push({ type: "volume", target, readOnly });
  }
  return { volumes, files, origins, ...(tmpfs === undefined ? {} : { tmpfs: tmpfs.sizeBytes ?? true }) };
}

/** Whether an empty directory of the document is seen in several places, and so has to lie outside of each zone. */
export function isShared({ type, source }: NeutralMount, document: NeutralDocument): boolean {
  if (type !== "empty") return false;
  const all = document.apps.flatMap((app) => app.mounts);
  return all.filter((mount) => mount.type === "empty" && mount.source === source).length > 1;
}

function isZoneTmpfs({ type, target, readOnly }: NeutralMount): boolean {
  return type === "tmpfs" && cleanPath(target) === "/tmp" && !readOnly;
}

function volumeOf(
  mount: NeutralMount,
  i: number,
  app: NeutralApp,
  document: NeutralDocument,
  group: string,
  report: Report,
): VolumeInput | undefined {
  const at = placeOf(app, `mounts[${i}]`);
  const { type, source, target, readOnly, subpath } = mount;
  const own = { type: "volume", target, readOnly } as const;
  const part = subpath === undefined ? {} : { subpath };
  switch (type) {
    case "bind":
      if (source === null) return undefined;
      return { type, source: subpath === undefined ? source : `${source}/${subpath}`, target, readOnly };
    case "volume":
      if (source !== null)
        return {
          type,
          source: mount.scoped === true ? `${group}_${source}` : source,
          target,
          readOnly,
          ...part,
          ...(mount.sizeBytes === undefined ? {} : { size: mount.sizeBytes }),
          ...(mount.labels === undefined ? {} : { labels: mount.labels }),
          ...(mount.existing === undefined ? {} : { existing: mount.existing }),
        };
      if (subpath !== undefined) report.refuse(at, "an anonymous volume has no parts: mount the whole");
      return own;
    case "empty": {
      const shared = source !== null && isShared(mount, document);
      if (subpath !== undefined && !shared) {
        report.refuse(at, "a part of an empty directory that nothing else sees: mount the whole");
        return undefined;
      }
      return {
        type,
        target,
        readOnly,
        ...(shared ? { source, ...part } : {}),
        ...(mount.sizeBytes === undefined ? {} : { size: mount.sizeBytes }),
        ...(mount.mode === undefined ? {} : { mode: mount.mode }),
        ...ownerOf(mount),
      };
    }
    case "tmpfs":
      report.warn(at, `${target} is a plain directory of the zone's disk, not of its memory`);
      return own;
    case "nfs":
      return source === null ? undefined : { type, source, target, readOnly };
    case "file":
      return undefined;
  }
}

function fileOf(mount: NeutralMount): FileInput {
  const { target, content = "", mode } = mount;
  return { target, content, ...(mode === undefined ? {} : { mode }), ...ownerOf(mount) };
}

function ownerOf({ uid, gid }: NeutralMount): { readonly uid?: number; readonly gid?: number } {
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}
