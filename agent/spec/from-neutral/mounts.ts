// Mounts of an app as volumes of a spec: directories of the node and anonymous volumes; the rest is refused by its place.
import type { Report } from "../formats/format.ts";
import type { NeutralApp, NeutralDocument, NeutralMount } from "../neutral.ts";
import { cleanPath } from "../paths.ts";
import { placeOf } from "./source.ts";

interface VolumeInput {
  readonly type: "bind" | "volume";
  readonly source?: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The volumes, and for each the index of the mount it was made from. */
export function readVolumes(
  app: NeutralApp,
  document: NeutralDocument,
  report: Report,
): {
  readonly volumes: VolumeInput[];
  readonly mounts: number[];
  /** Size of a memory file system at /tmp, where a zone can have one. */
  readonly tmpfs?: number | true;
} {
  const tmpfs = app.mounts.find(isZoneTmpfs);
  const found = app.mounts.flatMap((mount, i) => {
    if (mount === tmpfs) return [];
    const volume = volumeOf(mount, i, app, document, report);
    return volume === undefined ? [] : [{ volume, i }];
  });
  const points = (app.mountPoints ?? [])
    .filter(({ target }) => !app.mounts.some((mount) => mount.target === target))
    .map(({ name, target, readOnly }): VolumeInput => {
      report.warn(placeOf(app, "mountPoints"), `the mount point ${name} is given an empty directory of its own`);
      return { type: "volume", target, readOnly };
    });
  return {
    volumes: [...found.map(({ volume }) => volume), ...points],
    mounts: found.map(({ i }) => i),
    ...(tmpfs === undefined ? {} : { tmpfs: tmpfs.sizeBytes ?? true }),
  };
}

function isZoneTmpfs({ type, target, readOnly }: NeutralMount): boolean {
  return type === "tmpfs" && cleanPath(target) === "/tmp" && !readOnly;
}

function volumeOf(
  mount: NeutralMount,
  i: number,
  app: NeutralApp,
  document: NeutralDocument,
  report: Report,
): VolumeInput | undefined {
  const at = placeOf(app, `mounts[${i}]`);
  const { type, source, target, readOnly, subpath } = mount;
  const own = { type: "volume", target, readOnly } as const;
  if (subpath !== undefined && type !== "bind") {
    report.refuse(at, "a part of a volume cannot be mounted yet: mount the whole");
    return undefined;
  }
  switch (type) {
    case "bind":
      if (source === null) return undefined;
      return { type, source: subpath === undefined ? source : `${source}/${subpath}`, target, readOnly };
    case "volume":
      if (source === null) return own;
      report.refuse(at, `named volumes cannot be had yet: name a directory of the node for ${JSON.stringify(source)}`);
      return undefined;
    case "empty":
      if (isShared(mount, app, document)) {
        report.refuse(at, `an empty directory shared by containers cannot be had yet: name a directory of the node`);
        return undefined;
      }
      if (mount.sizeBytes !== undefined)
        report.warn(at, "the size of the directory is limited by the zone's disk only");
      return own;
    case "tmpfs":
      report.warn(at, `${target} is a plain directory of the zone's disk, not of its memory`);
      return own;
    case "nfs":
      report.refuse(at, "NFS volumes cannot be mounted yet");
      return undefined;
    case "file":
      report.refuse(
        at,
        `${target}: files cannot be written into the container yet; put them into a directory of the node`,
      );
      return undefined;
  }
}

function isShared(mount: NeutralMount, app: NeutralApp, document: NeutralDocument): boolean {
  return document.apps.some(
    (other) => other !== app && other.mounts.some(({ type, source }) => type === "empty" && source === mount.source),
  );
}
