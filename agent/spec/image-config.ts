// The OCI image configuration, as far as it gives a container its defaults. Any optional field may be null (image-spec).
import { z } from "zod";
import { imageHealthcheck } from "./healthcheck.ts";

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

export const imageConfigSchema = z.looseObject({
  os: optional(z.string()),
  architecture: optional(z.string()),
  variant: optional(z.string()),
  created: optional(z.string()),
  config: optional(
    z.looseObject({
      User: optional(z.string()),
      Env: optional(z.array(z.string())),
      Entrypoint: optional(z.array(z.string())),
      Cmd: optional(z.array(z.string())),
      WorkingDir: optional(z.string()),
      ExposedPorts: optional(z.record(z.string(), z.unknown())),
      Volumes: optional(z.record(z.string(), z.unknown())),
      Labels: optional(z.record(z.string(), z.string())),
      StopSignal: optional(z.string()),
      /** Docker's extension: nothing an image must be refused for. */
      Healthcheck: optional(imageHealthcheck).optional().catch(undefined),
    }),
  ),
  rootfs: optional(z.looseObject({ type: z.string(), diff_ids: z.array(z.string()) })),
  history: optional(
    z.array(
      z.looseObject({
        created: optional(z.string()),
        created_by: optional(z.string()),
        empty_layer: optional(z.boolean()),
        comment: optional(z.string()),
      }),
    ),
  ),
});
export type ImageConfig = z.output<typeof imageConfigSchema>;
