// Mounts of a service: `volumes` short and long, `tmpfs`, and inline `configs` and `secrets`.
import { z } from "zod";
import { byteSize, text } from "../../fields.ts";
import type { NeutralMount } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Given, Report } from "../format.ts";
import { readTmpfsOptions } from "../tmpfs.ts";
import type { ServiceContext } from "./service.ts";
import { fileMode, flag, scalar } from "./values.ts";

const longVolume = z.strictObject({
  type: z.enum(["bind", "volume", "tmpfs", "image", "npipe", "cluster"]),
  source: text.optional(),
  target: text.regex(/^\//, "must be an absolute path"),
  read_only: flag.optional(),
  consistency: z.string().optional(),
  bind: z
    .strictObject({
      propagation: z.string().optional(),
      create_host_path: flag.optional(),
      selinux: z.string().optional(),
      recursive: z.string().optional(),
    })
    .optional(),
  volume: z
    .strictObject({ nocopy: flag.optional(), subpath: text.optional(), labels: z.unknown().optional() })
    .optional(),
  tmpfs: z.strictObject({ size: byteSize.optional(), mode: fileMode.optional() }).optional(),
  image: z.strictObject({ subpath: text.optional() }).optional(),
});

export const volumeList = z.array(z.union([text.min(1, "must not be empty"), longVolume]));

export const tmpfsList = z.union([z.array(text), text.transform((one) => [one])]);

export const fileReferences = z.array(
  z.union([
    text.transform((source) => ({ source, target: undefined, uid: undefined, gid: undefined, mode: undefined })),
    z.strictObject({
      source: text,
      target: text.optional(),
      uid: scalar.optional(),
      gid: scalar.optional(),
      mode: fileMode.optional(),
    }),
  ]),
);

export const fileSource = z.strictObject({
  name: text.optional(),
  content: text.optional(),
  environment: text.optional(),
  file: text.optional(),
  external: flag.optional(),
  labels: z.unknown().optional(),
  driver: z.unknown().optional(),
  driver_opts: z.unknown().optional(),
  template_driver: z.unknown().optional(),
});

export type FileSources = Readonly<Record<string, z.output<typeof fileSource>>>;

/** A mount and where it is written. */
export interface PlacedMount {
  readonly path: SpecPath;
  readonly mount: NeutralMount;
}

const HARMLESS_OPTIONS = ["rw", "ro", "nocopy", "copy", "cached", "consistent", "delegated"];
const UNHONOURED_OPTIONS = ["z", "Z", "shared", "rshared", "slave", "rslave", "private", "rprivate"];

export function volumeMounts(volumes: z.output<typeof volumeList>, context: ServiceContext): PlacedMount[] {
  return volumes.flatMap((volume, i) => {
    const path = [...context.path, "volumes", i];
    const mount = typeof volume === "string" ? shortMount(volume, path, context) : longMount(volume, path, context);
    return mount === undefined ? [] : [{ path, mount }];
  });
}

function shortMount(entry: string, path: SpecPath, context: ServiceContext): NeutralMount | undefined {
  const { report } = context;
  const [source = "", target, options, ...rest] = entry.split(":");
  if (target === undefined) {
    if (source.startsWith("/")) return { type: "volume", source: null, target: source, readOnly: false };
    report.complain(path, `${JSON.stringify(entry)} must be SOURCE:/TARGET[:OPTIONS] or /TARGET`);
    return undefined;
  }
  if (rest.length > 0 || !target.startsWith("/")) {
    report.complain(path, `${JSON.stringify(entry)} must be SOURCE:/TARGET[:OPTIONS], the target an absolute path`);
    return undefined;
  }
  const words = options?.split(",") ?? [];
  for (const word of words)
    if (UNHONOURED_OPTIONS.includes(word))
      report.warn(path, `the option ${word} has no meaning in a zone: it is left out`);
    else if (!HARMLESS_OPTIONS.includes(word)) report.complain(path, `unknown option ${JSON.stringify(word)}`);
  return sourced(source, { target, readOnly: words.includes("ro") }, path, context);
}

/** A bind or a named volume, by the look of its source. */
function sourced(
  source: string,
  rest: { readonly target: string; readonly readOnly: boolean },
  path: SpecPath,
  context: ServiceContext,
): NeutralMount | undefined {
  if (source.startsWith("/")) return { type: "bind", source, ...rest };
  if (/^[.~]|^[A-Za-z]:?\\/.test(source)) {
    context.report.refuse(
      path,
      `${JSON.stringify(source)} is relative to the caller's directory: give an absolute path`,
    );
    return undefined;
  }
  return namedVolume(source, rest, path, context);
}

function namedVolume(
  name: string,
  rest: { readonly target: string; readonly readOnly: boolean; readonly subpath?: string },
  path: SpecPath,
  { report, project }: ServiceContext,
): NeutralMount | undefined {
  const volume = Object.hasOwn(project.volumes, name) ? project.volumes[name] : undefined;
  if (volume !== undefined) {
    const { name: source, scoped, ...more } = volume;
    return { type: "volume", source, ...(scoped ? { scoped } : {}), ...more, ...rest };
  }
  report.complain(path, `the volume ${JSON.stringify(name)} is not declared in the top-level "volumes"`);
  return undefined;
}

function longMount(
  volume: z.output<typeof longVolume>,
  path: SpecPath,
  context: ServiceContext,
): NeutralMount | undefined {
  const { report } = context;
  const { source, bind } = volume;
  const rest = { target: volume.target, readOnly: volume.read_only ?? false };
  for (const kind of ["bind", "volume", "tmpfs", "image"] as const)
    if (volume[kind] !== undefined && kind !== volume.type)
      report.complain([...path, kind], `does not belong to a mount of type ${volume.type}`, { at: "key" });
  switch (volume.type) {
    case "bind":
      for (const key of ["propagation", "selinux", "recursive"] as const)
        if (bind?.[key] !== undefined) report.warn([...path, "bind", key], "has no meaning in a zone: it is left out");
      if (source === undefined) report.complain(path, "a bind mount needs a source");
      else if (source.startsWith("/")) return { type: "bind", source, ...rest };
      else report.refuse([...path, "source"], `${JSON.stringify(source)} is not an absolute path`);
      return undefined;
    case "volume": {
      const subpath = volume.volume?.subpath;
      const whole = { ...rest, ...(subpath === undefined ? {} : { subpath }) };
      if (source === undefined || source === "") return { type: "volume", source: null, ...whole };
      return namedVolume(source, whole, [...path, "source"], context);
    }
    case "tmpfs": {
      if (source !== undefined) report.complain([...path, "source"], "a tmpfs has no source");
      const { size, mode } = volume.tmpfs ?? {};
      return {
        type: "tmpfs",
        source: null,
        ...rest,
        ...(size === undefined ? {} : { sizeBytes: size }),
        ...(mode === undefined ? {} : { mode }),
      };
    }
    case "image":
    case "npipe":
    case "cluster":
      report.refuse([...path, "type"], `a mount of type ${volume.type} cannot be had in a zone`);
      return undefined;
  }
}

export function tmpfsMounts(entries: readonly string[], context: ServiceContext): PlacedMount[] {
  return entries.flatMap((entry, i) => {
    const path = [...context.path, "tmpfs", i];
    const [target = "", ...options] = entry.split(":");
    if (!target.startsWith("/")) {
      context.report.complain(path, `${JSON.stringify(target)} is not an absolute path`);
      return [];
    }
    const read = readTmpfsOptions(options.join(":").split(","), path, context.report);
    const mount: NeutralMount = { type: "tmpfs", source: null, target, ...read };
    return [{ path, mount }];
  });
}

/** Configs and secrets whose content is in the document or in the variables of the request. */
export function fileMounts(
  kind: "configs" | "secrets",
  references: z.output<typeof fileReferences>,
  given: Given,
  context: ServiceContext,
): PlacedMount[] {
  const { report, project } = context;
  return references.flatMap((reference, i) => {
    const path = [...context.path, kind, i];
    const sources = project[kind];
    const source = Object.hasOwn(sources, reference.source) ? sources[reference.source] : undefined;
    if (source === undefined) {
      report.complain(path, `${JSON.stringify(reference.source)} is not declared in the top-level "${kind}"`);
      return [];
    }
    const content = contentOf(kind, reference.source, source, given, report);
    if (content === undefined) return [];
    const id = (key: "uid" | "gid"): object => {
      const value = reference[key];
      return value === undefined || !/^\d{1,10}$/.test(value) ? {} : { [key]: Number(value) };
    };
    const mount: NeutralMount = {
      type: "file",
      source: reference.source,
      target: fileTarget(kind, reference.target ?? reference.source),
      readOnly: true,
      content,
      ...(reference.mode === undefined ? {} : { mode: reference.mode }),
      ...id("uid"),
      ...id("gid"),
    };
    return [{ path, mount }];
  });
}

function fileTarget(kind: "configs" | "secrets", target: string): string {
  if (target.startsWith("/")) return target;
  return kind === "configs" ? `/${target}` : `/run/secrets/${target}`;
}

function contentOf(
  kind: "configs" | "secrets",
  name: string,
  source: FileSources[string],
  given: Given,
  report: Report,
): string | undefined {
  const path = [kind, name];
  if (source.content !== undefined) return source.content;
  if (source.environment !== undefined) {
    const { variables = {} } = given;
    if (Object.hasOwn(variables, source.environment)) return variables[source.environment];
    report.complain([...path, "environment"], `needs the variable ${source.environment}`);
    return undefined;
  }
  if (source.external === true) report.refuse([...path, "external"], "there is no store of configs and secrets here");
  else if (source.file !== undefined)
    report.refuse([...path, "file"], "files beside the document are not read: write the content into the document");
  else report.complain(path, "needs content or environment");
  return undefined;
}
