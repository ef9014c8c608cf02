// Index, manifest and descriptors as they come from a registry or an archive: hostile until parsed.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { isDigest } from "../../util/ids.ts";
import { LIMITS } from "../limits.ts";
import { kindOfMediaType, type DocumentKind } from "./media-types.ts";

const digest = z.string().refine(isDigest, "not a sha256 digest");

export const descriptorSchema = z.object({
  mediaType: z.string().default(""),
  digest,
  size: z.int().nonnegative(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
export type Descriptor = z.output<typeof descriptorSchema>;

const platformSchema = z.object({
  os: z.string().default(""),
  architecture: z.string().default(""),
  variant: z.string().nullish(),
  "os.features": z.array(z.string()).nullish(),
});
export type Platform = z.output<typeof platformSchema>;

const indexEntrySchema = descriptorSchema.extend({
  platform: platformSchema.nullish(),
  artifactType: z.string().nullish(),
});
export type IndexEntry = z.output<typeof indexEntrySchema>;

const indexSchema = z.object({ manifests: z.array(indexEntrySchema) });
const manifestSchema = z.object({
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(LIMITS.layers),
});
export type ImageIndex = z.output<typeof indexSchema>;
export type OciManifest = z.output<typeof manifestSchema>;

export type ImageDocument =
  | { readonly kind: "index"; readonly index: ImageIndex }
  | { readonly kind: "manifest"; readonly manifest: OciManifest };

const shapeSchema = z.looseObject({
  mediaType: z.string().optional(),
  schemaVersion: z.number().optional(),
  manifests: z.unknown().optional(),
  config: z.unknown().optional(),
  layers: z.unknown().optional(),
  fsLayers: z.unknown().optional(),
});

/**
 * Parses the bytes of a manifest or index. The kind is told by `contentType`, else by the document's own `mediaType`,
 * else by its shape; a document that is both kinds at once is refused (confusion attack, container-specs.md 10.4).
 * `what` names it in errors. Throws IMAGE_UNSUPPORTED for schema 1 and IMAGE_CORRUPT for anything unreadable.
 */
export function parseImageDocument(bytes: Uint8Array, contentType: string | undefined, what: string): ImageDocument {
  const json = parseJson(bytes, what);
  const shape = shapeSchema.safeParse(json);
  if (!shape.success) throw corrupt(what, "it is not a JSON object");
  const kind = classify(shape.data, contentType);
  if (kind === "schema1")
    throw new AgentError("IMAGE_UNSUPPORTED", `${what} is a Docker schema 1 manifest, a format given up in 2020`, {
      hint: "rebuild the image or copy it with `skopeo copy --format v2s2`",
    });
  if (kind === undefined) throw corrupt(what, "it is neither an image manifest nor an index");
  if (kind === "index") {
    if (shape.data.config !== undefined || shape.data.layers !== undefined)
      throw corrupt(what, "it is an index and a manifest at once");
    return { kind, index: parseWith(indexSchema, json, what) };
  }
  if (shape.data.manifests !== undefined) throw corrupt(what, "it is a manifest and an index at once");
  return { kind, manifest: parseWith(manifestSchema, json, what) };
}

function classify(shape: z.output<typeof shapeSchema>, contentType: string | undefined): DocumentKind | undefined {
  if (shape.fsLayers !== undefined || shape.schemaVersion === 1) return "schema1";
  const told = kindOfMediaType(contentType) ?? kindOfMediaType(shape.mediaType);
  if (told !== undefined) return told;
  if (shape.manifests !== undefined) return "index";
  return shape.config !== undefined && shape.layers !== undefined ? "manifest" : undefined;
}

/** Parses JSON of a document; IMAGE_CORRUPT where it is none. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new AgentError("IMAGE_CORRUPT", `${what} is not JSON`, { cause: error });
  }
}

/** Parses `json` with a schema; IMAGE_CORRUPT naming the first place that does not fit. */
export function parseWith<T extends z.ZodType>(schema: T, json: unknown, what: string): z.output<T> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw corrupt(what, issue === undefined ? "unreadable" : `${issue.path.join(".") || "document"}: ${issue.message}`);
}

function corrupt(what: string, why: string): AgentError {
  return new AgentError("IMAGE_CORRUPT", `${what}: ${why}`);
}
