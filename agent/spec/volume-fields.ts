// `volumes`, `volumesFrom` and `files` of a container spec.
import { z } from "zod";
import { documented, field } from "./field-docs.ts";
import { byteSize, integer, labels, text } from "./fields.ts";
import { isVolumeName } from "../util/ids.ts";
import { cleanSubpath } from "./volume-place.ts";

const absolute = text.regex(/^\//, "must be an absolute path");
const MAX_ID = 2_147_483_647;

/**
 * `source` is a directory of the global zone (bind), a volume's name (volume; absent: anonymous), the name an empty
 * directory has among the containers of a group (empty), or `HOST:/PATH` (nfs).
 */
export interface VolumeSpec {
  readonly type: "bind" | "volume" | "empty" | "nfs";
  readonly source?: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Directory below the volume's, clean. */
  readonly subpath?: string;
  /** `false`: an empty volume does not get what the image has at the target. */
  readonly copy?: boolean;
  readonly sizeBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** It is not made when it is missing. */
  readonly existing?: boolean;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

const FORMS = "/SOURCE:/TARGET[:ro], NAME:/TARGET[:ro] or /TARGET";
const NAME_RULE = "a volume's name is made of letters, digits, `_`, `.` and `-`, the first a letter or digit";

const volumeText = text.transform((value, ctx): VolumeSpec => {
  const complain = (message: string): never => {
    ctx.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  const [first = "", second, mode, ...rest] = value.split(":");
  if (second === undefined)
    return first.startsWith("/")
      ? { type: "volume", target: first, readOnly: false }
      : complain(`${JSON.stringify(value)} must be ${FORMS}`);
  if (rest.length > 0 || !second.startsWith("/")) return complain(`${JSON.stringify(value)} must be ${FORMS}`);
  const words = mode === undefined ? [] : mode.split(",");
  for (const word of words)
    if (!["ro", "rw", "nocopy"].includes(word))
      return complain(`the mode ${JSON.stringify(word)} is not allowed; use ro, rw or nocopy`);
  const common = { source: first, target: second, readOnly: words.includes("ro") };
  if (first.startsWith("/")) return { type: "bind", ...common };
  if (!isVolumeName(first))
    return complain(`the source ${JSON.stringify(first)} is neither an absolute path nor a name: ${NAME_RULE}`);
  return { type: "volume", ...common, ...(words.includes("nocopy") ? { copy: false } : {}) };
});

const octal = z
  .union([z.string().regex(/^0?[0-7]{3,4}$/, 'must be octal digits in quotes, such as "0755"'), z.number()])
  .transform((value, ctx) => {
    if (typeof value === "string") return parseInt(value, 8);
    ctx.addIssue({ code: "custom", message: `write the mode in quotes: "0${value}"` });
    return z.NEVER;
  });
const id = integer(0, MAX_ID);
const OCTAL = "octal digits in quotes";
const NUMBER = "number";

const volumeObject = z
  .strictObject({
    type: field(z.enum(["bind", "volume", "empty", "nfs"]), {
      means:
        "A directory of the node, a volume of the node or (without source) of the zone, an empty directory all containers of a group see that name it so, or a directory of an NFS server.",
      type: "text",
      otherwise: "`bind` with a path as source, else `volume`",
      allowed: "bind, volume, empty, nfs",
      example: "bind",
    }),
    source: field(text.min(1, "must not be empty"), {
      means:
        "bind: directory of the global zone, below one of the node's `mounts.allowedRoots`; volume and empty: a name; nfs: `HOST:/PATH`.",
      type: "text",
      platform: "filesystems[].source",
      example: "/data/www",
    }),
    target: documented(absolute, {
      means: "Where it appears in the container.",
      type: "absolute path",
      platform: "filesystems[].target",
      example: "/srv",
    }),
    readOnly: documented(z.boolean().default(false), {
      means: "Nothing can be written there.",
      type: "true or false",
      otherwise: "false",
      platform: "filesystems[].options ro",
      example: true,
    }),
    subpath: field(text, {
      means: "Directory below that of a named volume; made when missing. Nobody else may be able to write above it.",
      type: "relative path",
      platform: "filesystems[].source",
      example: "site/static",
    }),
    copy: field(z.boolean(), {
      means: "Whether an empty named volume gets what the image has at the target.",
      type: "true or false",
      otherwise: "true",
      example: false,
    }),
    size: field(byteSize, {
      means: "Quota of a named volume that is made for this container.",
      type: "size",
      platform: "quota of the dataset, in bytes",
      example: "10g",
    }),
    labels: field(labels, {
      means: "Labels of a named volume that is made for this container.",
      type: "map of text",
      example: { team: "web" },
    }),
    existing: field(z.boolean(), {
      means: "The named volume has to be there already: it is not made.",
      type: "true or false",
      otherwise: "false",
      example: true,
    }),
    mode: field(octal, { means: "Mode of an empty directory.", type: OCTAL, otherwise: '`"0777"`', example: "0755" }),
    uid: field(id, { means: "Owner of an empty directory.", type: NUMBER, otherwise: "0", example: 1000 }),
    gid: field(id, { means: "Group of an empty directory.", type: NUMBER, otherwise: "0", example: 1000 }),
  })
  .transform((value, ctx): VolumeSpec => {
    const complain = (key: string, message: string): void => ctx.addIssue({ code: "custom", path: [key], message });
    const { source, size, ...rest } = value;
    const type = value.type ?? (source?.startsWith("/") === true ? "bind" : "volume");
    const named = (type === "volume" || type === "empty") && source !== undefined;
    if (type === "bind" && source === undefined) complain("source", "is required for a bind mount");
    if (type === "bind" && source !== undefined && !source.startsWith("/"))
      complain("source", "must be an absolute path");
    if (named && !isVolumeName(source)) complain("source", `${JSON.stringify(source)}: ${NAME_RULE}`);
    if (type === "nfs" && !/^[^\s:/][^\s:]*:\/\S*$/.test(source ?? "")) complain("source", "must be HOST:/PATH");
    if (value.subpath !== undefined && !named) complain("subpath", "belongs to a named volume only");
    const subpath = cleanSubpath(value.subpath ?? "");
    if (subpath === undefined) complain("subpath", "must be a relative path without `..` and control characters");
    if (size !== undefined && !(type === "empty" || (type === "volume" && named)))
      complain("size", "belongs to a named volume only");
    for (const key of ["labels", "existing"] as const)
      if (value[key] !== undefined && !(type === "volume" && named)) complain(key, "belongs to a named volume only");
    for (const key of ["mode", "uid", "gid"] as const)
      if (value[key] !== undefined && type !== "empty") complain(key, "belongs to a volume of type empty only");
    return {
      type,
      target: rest.target,
      readOnly: rest.readOnly,
      ...(rest.copy === false ? { copy: false } : {}),
      ...(source === undefined ? {} : { source }),
      ...(subpath === undefined || subpath === "" ? {} : { subpath }),
      ...(size === undefined ? {} : { sizeBytes: size }),
      ...(rest.labels === undefined ? {} : { labels: rest.labels }),
      ...(rest.existing === true ? { existing: true } : {}),
      ...(rest.mode === undefined ? {} : { mode: rest.mode }),
      ...(rest.uid === undefined ? {} : { uid: rest.uid }),
      ...(rest.gid === undefined ? {} : { gid: rest.gid }),
    };
  });

export const volume = z.union([volumeText, volumeObject]);

/** The mounts of another container, all read-only or as they are there. */
export interface VolumesFromSpec {
  readonly container: string;
  readonly readOnly: boolean;
}

export const volumesFrom = text.transform((value, ctx): VolumesFromSpec => {
  const [container = "", mode, ...rest] = value.split(":");
  if (container !== "" && rest.length === 0 && (mode === undefined || mode === "ro" || mode === "rw"))
    return { container, readOnly: mode === "ro" };
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} must be CONTAINER or CONTAINER:ro` });
  return z.NEVER;
});

const MAX_FILE = 1024 * 1024;

/** A file written into the container before it first runs. */
export const inlineFile = z.strictObject({
  target: documented(absolute, {
    means: "Where it appears in the container; what the image has there is replaced.",
    type: "absolute path",
    example: "/etc/app.conf",
  }),
  content: documented(text.max(MAX_FILE, "is larger than 1 MiB"), {
    means: "Its text, at most 1 MiB.",
    type: "text",
    example: "debug = no\n",
  }),
  mode: documented(octal.default(0o444), { means: "Its mode.", type: OCTAL, otherwise: '`"0444"`', example: "0400" }),
  uid: documented(id.default(0), { means: "Its owner.", type: NUMBER, otherwise: "0", example: 33 }),
  gid: documented(id.default(0), { means: "Its group.", type: NUMBER, otherwise: "0", example: 33 }),
});
