// Image manifests of imgadm: strict for what we write, tolerant for what we read (imgadm.md 5).
import { z } from "zod";
import { isImageUuid, isUuid, type ImageUuid } from "../util/ids.ts";

export const imageUuid = z.string().refine((text): text is ImageUuid => isImageUuid(text), "not a lower-case uuid");

/** The manifest we hand to `imgadm install`; an unknown top-level field is an error to imgadm, so there are none. */
export const imageManifestSchema = z.strictObject({
  v: z.literal(2),
  uuid: imageUuid,
  owner: z.string().refine(isUuid).optional(),
  name: z.string().regex(/^[A-Za-z0-9._/ -]{1,1024}$/),
  version: z.string().regex(/^[A-Za-z0-9._/+-]{1,512}$/),
  disabled: z.boolean().optional(),
  public: z.boolean().optional(),
  /** 0 or 3 digits of fraction, nothing else. */
  published_at: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/)
    .optional(),
  type: z.enum(["docker", "lx-dataset", "zone-dataset"]),
  os: z.literal("linux"),
  origin: imageUuid.optional(),
  description: z.string().max(10240).optional(),
  tags: z.record(z.string(), z.json()),
  files: z
    .array(
      z.strictObject({
        sha1: z.string().regex(/^[0-9a-f]{40}$/),
        size: z.int().positive(),
        compression: z.enum(["gzip", "bzip2", "xz", "none"]),
        digest: z.string().optional(),
      }),
    )
    .max(1)
    .optional(),
});
export type ImageManifest = z.output<typeof imageManifestSchema>;

/** An element of `imgadm list -j`, or what `get` prints. A dataset without its JSON file shows a manifest of only `uuid`. */
export const installedImageSchema = z.looseObject({
  manifest: z.looseObject({
    uuid: z.string(),
    name: z.string().optional(),
    version: z.string().optional(),
    type: z.string().optional(),
    os: z.string().optional(),
    origin: z.string().optional(),
    published_at: z.string().optional(),
    tags: z.record(z.string(), z.unknown()).optional(),
    files: z.array(z.looseObject({ size: z.number().optional() })).optional(),
  }),
  zpool: z.string().optional(),
  source: z.string().optional(),
  clones: z.number().optional(),
  cloneNames: z.array(z.string()).optional(),
  children: z.looseObject({ snapshots: z.array(z.string()), clones: z.array(z.string()) }).optional(),
});
export type InstalledImage = z.output<typeof installedImageSchema>;
