// One header of a layer's tar, read strictly: whatever could mean one thing to us and another to the platform's tar
// is refused, because an untouched layer is unpacked by that tar and not by us (style: E4).
import { AgentError } from "../../errors/agent-error.ts";
import { LIMITS } from "../limits.ts";

/** A header as tar-stream gives it; its own types promise more than it keeps. */
export interface RawHeader {
  readonly name: string;
  readonly type: string | null;
  readonly linkname: string | null;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Date;
  readonly pax?: unknown;
}

export type EntryKind = "file" | "directory" | "symlink" | "link" | "device" | "fifo";

export interface LayerEntry {
  readonly kind: EntryKind;
  /** Relative to the image's root, no leading or trailing slash; empty for the root itself. */
  readonly path: string;
  /** Of a symlink as it is; of a hard link relative to the image's root like `path`. */
  readonly target: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970; a fraction where a PAX record has one. */
  readonly mtime: number;
  /** Carries records the platform's tar would warn about and drop (extended attributes and other unknown ones). */
  readonly unknownRecords: boolean;
}

/** PAX records GNU tar 1.23 knows (imgadm.md 6.2: others cost a warning each, and 2 MiB of warnings fail an install). */
const KNOWN_RECORDS: ReadonlySet<string> = new Set([
  "path",
  "linkpath",
  "size",
  "mtime",
  "atime",
  "ctime",
  "uid",
  "gid",
  "uname",
  "gname",
  "comment",
  "charset",
]);

const KINDS: Readonly<Record<string, EntryKind>> = {
  file: "file",
  "contiguous-file": "file",
  link: "link",
  symlink: "symlink",
  directory: "directory",
  fifo: "fifo",
  "character-device": "device",
  "block-device": "device",
};

/** Throws LAYER_HOSTILE or IMAGE_UNSUPPORTED; `layer` names the layer in the message. */
export function parseEntry(header: RawHeader, layer: string): LayerEntry {
  const shown = JSON.stringify(header.name.slice(0, 200));
  const plainFile = header.type === "file" || header.type === "contiguous-file";
  // As the oldest tars wrote directories; the platform's tar makes one.
  const kind = plainFile && header.name.endsWith("/") ? "directory" : header.type ? KINDS[header.type] : undefined;
  if (kind === undefined)
    throw new AgentError("IMAGE_UNSUPPORTED", `${layer}: entry ${shown} has a type this agent does not know`);
  const records = paxRecords(header);
  refuseSparse(records, layer, shown);
  const { size } = header;
  if (!Number.isSafeInteger(size) || size < 0) throw hostile(layer, `entry ${shown} has an impossible size`);
  if (kind !== "file" && size !== 0) throw hostile(layer, `entry ${shown} is no file and yet has content`);
  const path = entryPath(header.name, layer);
  return {
    kind,
    path,
    target: readTarget(kind, header.linkname ?? "", path, layer),
    size,
    mode: header.mode & 0o7777,
    uid: identity(records["uid"], header.uid, layer, shown),
    gid: identity(records["gid"], header.gid, layer, shown),
    mtime: modificationTime(records["mtime"], header.mtime, layer, shown),
    unknownRecords: Object.keys(records).some((key) => !KNOWN_RECORDS.has(key)),
  };
}

/** A name of the archive as a path below the root. Absolute names and `..` are refused wherever they would lead. */
export function entryPath(name: string, layer: string): string {
  if (Buffer.byteLength(name) > LIMITS.pathBytes)
    throw hostile(
      layer,
      `an entry's name is longer than ${LIMITS.pathBytes} bytes (${JSON.stringify(name.slice(0, 60))}…)`,
    );
  const shown = JSON.stringify(name);
  if (name.startsWith("/")) throw hostile(layer, `entry ${shown} has an absolute name`);
  return plainPath(name, layer, shown);
}

function plainPath(name: string, layer: string, shown: string): string {
  if (name.includes("\0")) throw hostile(layer, `entry ${shown} has a zero byte in its name`);
  // What is not UTF-8 has been read as replacement characters, and its real name is lost.
  if (name.includes("\ufffd"))
    throw new AgentError("IMAGE_UNSUPPORTED", `${layer}: entry ${shown} has a name that is not UTF-8`);
  const components = name.split("/").filter((component) => component !== "" && component !== ".");
  if (components.includes("..")) throw hostile(layer, `entry ${shown} leads out of its directory with ".."`);
  const long = components.find((component) => Buffer.byteLength(component) > 255);
  if (long !== undefined) throw hostile(layer, `entry ${shown} has a part longer than 255 bytes`);
  return components.join("/");
}

function readTarget(kind: EntryKind, target: string, path: string, layer: string): string {
  if (kind !== "link" && kind !== "symlink") return "";
  const shown = JSON.stringify(path);
  if (path === "") throw hostile(layer, "the root itself is a link");
  if (target === "") throw hostile(layer, `link ${shown} has no target`);
  if (Buffer.byteLength(target) > LIMITS.pathBytes)
    throw hostile(layer, `link ${shown} has a target longer than ${LIMITS.pathBytes} bytes`);
  if (kind === "symlink") {
    if (target.includes("\0") || target.includes("\ufffd"))
      throw new AgentError("IMAGE_UNSUPPORTED", `${layer}: symlink ${shown} has a target that is not UTF-8`);
    // Where a symlink points to is the image's own business: nobody follows it outside the zone.
    return target;
  }
  // Some builders write the targets of hard links with the slash of the image's root; it leads nowhere else.
  const inside = plainPath(target, layer, `${shown} -> ${JSON.stringify(target)}`);
  if (inside === "") throw hostile(layer, `hard link ${shown} points to the root`);
  return inside;
}

function paxRecords(header: RawHeader): Readonly<Record<string, string>> {
  if (typeof header.pax !== "object" || header.pax === null) return {};
  return Object.fromEntries(
    Object.entries(header.pax).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function refuseSparse(records: Readonly<Record<string, string>>, layer: string, shown: string): void {
  if (Object.keys(records).some((key) => key.startsWith("GNU.sparse.")))
    throw new AgentError("IMAGE_UNSUPPORTED", `${layer}: entry ${shown} is a sparse file in GNU's format`);
  if (records["hdrcharset"] !== undefined && records["hdrcharset"] !== "ISO-IR 10646 2000 UTF-8")
    throw new AgentError("IMAGE_UNSUPPORTED", `${layer}: entry ${shown} has a name that is not UTF-8`);
}

function identity(record: string | undefined, field: number, layer: string, shown: string): number {
  const id = record === undefined ? field : /^\d+$/.test(record) ? Number(record) : NaN;
  if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff)
    throw hostile(layer, `entry ${shown} has an impossible owner`);
  return id;
}

function modificationTime(record: string | undefined, field: Date, layer: string, shown: string): number {
  if (record !== undefined && !/^-?\d{1,15}(?:\.\d*)?$/.test(record))
    throw hostile(layer, `entry ${shown} has an impossible time`);
  const seconds = record === undefined ? field.getTime() / 1000 : Number(record);
  return Number.isFinite(seconds) ? seconds : 0;
}

export function hostile(layer: string, why: string): AgentError {
  return new AgentError("LAYER_HOSTILE", `${layer} is refused: ${why}`, {
    hint: "nothing of it was unpacked; if you trust its maker, ask for a rebuilt image",
  });
}
