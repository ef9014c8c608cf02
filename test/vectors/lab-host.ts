// Kinds `manifest` and `host-files`: the platform's normalisation and refusals, as the lab host has them.
import { z } from "zod";
import { normalizeCreatePayload } from "../../agent/labhost/vm/create-payload.ts";
import { dockerLogMode } from "../../agent/labhost/vm/docker.ts";
import { hostFiles } from "../../agent/labhost/vm/host-files.ts";
import { brandFeatures } from "../../agent/labhost/vm/properties.ts";
import { VmError } from "../../agent/labhost/vm/vm-error.ts";
import { Refused } from "./vector.ts";

const object = z.record(z.string(), z.unknown());
const manifestInput = z.object({
  manifest: object,
  installed_images: z.array(z.string()),
  zpools: z.array(z.string()),
  generated_uuids: z.array(z.string()),
});

export const LAB_HOST_JUDGES = {
  manifest: (input: unknown) =>
    refusing(() => {
      const { manifest, installed_images, zpools, generated_uuids } = manifestInput.parse(input);
      const uuids = [...generated_uuids];
      const brand = String(manifest["brand"]);
      const payload = normalizeCreatePayload(
        manifest,
        {
          zpools,
          imageType: (uuid) => (installed_images.includes(uuid) ? brandFeatures(brand)?.imageTypes[0] : undefined),
        },
        () => {
          const next = uuids.shift();
          if (next === undefined) throw new Error("no uuid left to draw");
          return next;
        },
      );
      return { manifest: payload, zone_attributes: zoneAttributes(payload) };
    }),
  "host-files": (input: unknown) => refusing(() => ({ files: hostFiles(z.object({ vm: object }).parse(input).vm) })),
};

/** What ends up as zonecfg attributes, under the names the vectors use. */
function zoneAttributes(payload: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const namespaces = z.array(z.string()).optional().parse(payload["internal_metadata_namespaces"]);
  const metadata = object.optional().parse(payload["internal_metadata"]);
  return {
    "zlog-mode": payload["docker"] === true ? dockerLogMode(metadata ?? {}).mode : null,
    docker: payload["docker"],
    "init-name": payload["init_name"] ?? null,
    "restart-init": payload["restart_init"] === false ? "false" : null,
    "internal-metadata-namespaces": namespaces?.join(",") ?? null,
    tmpfs: String(payload["tmpfs"]),
  };
}

function refusing(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof VmError) throw new Refused(error.message);
    throw error;
  }
}
