// The golden vectors of kinds `manifest` and `host-files`: exact normalisation and exact refusals of the platform.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { normalizeCreatePayload } from "../../../agent/labhost/vm/create-payload.ts";
import { dockerLogMode } from "../../../agent/labhost/vm/docker.ts";
import { hostFiles } from "../../../agent/labhost/vm/host-files.ts";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { brandFeatures } from "../../../agent/labhost/vm/properties.ts";

interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly input: {
    readonly manifest: Payload;
    readonly installed_images: readonly string[];
    readonly zpools: readonly string[];
    readonly generated_uuids: readonly string[];
    readonly vm: Payload;
  };
  readonly expected?: { manifest: Payload; zone_attributes?: Payload; absent?: string[][]; files: Payload };
  readonly expected_error?: { readonly message: string };
}

const directory = new URL("../../fixtures/docker-create/", import.meta.url);
const vectors = readdirSync(directory).map(
  (file) => JSON.parse(readFileSync(new URL(file, directory), "utf8")) as Vector,
);

function normalize({ input }: Vector): Payload {
  const uuids = [...input.generated_uuids];
  const brand = String(input.manifest["brand"]);
  return normalizeCreatePayload(
    input.manifest,
    {
      zpools: input.zpools,
      imageType: (uuid) => (input.installed_images.includes(uuid) ? brandFeatures(brand)?.imageTypes[0] : undefined),
    },
    () => uuids.shift() ?? expect.fail("no uuid left to draw"),
  );
}

/** What ends up as zonecfg attributes, under the names the vectors use. */
function attributes(payload: Payload): Payload {
  const namespaces = payload["internal_metadata_namespaces"] as string[] | undefined;
  return {
    "zlog-mode": payload["docker"] === true ? dockerLogMode(payload["internal_metadata"] as Payload).mode : null,
    docker: payload["docker"],
    "init-name": payload["init_name"] ?? null,
    "restart-init": payload["restart_init"] === false ? "false" : null,
    "internal-metadata-namespaces": namespaces?.join(",") ?? null,
    tmpfs: String(payload["tmpfs"]),
  };
}

describe("manifest", () => {
  const cases = vectors.filter((vector) => vector.kind === "manifest");

  test("all of them are here", () => expect(cases).toHaveLength(17));

  test.each(cases)("$name", (vector) => {
    if (vector.expected_error) {
      expect(() => normalize(vector)).toThrow(expect.objectContaining({ message: vector.expected_error.message }));
      return;
    }
    const { manifest, zone_attributes, absent = [] } = vector.expected!;
    const result = normalize(vector);
    for (const [key, value] of Object.entries(manifest)) expect.soft(result[key], key).toEqual(value);
    for (const [head = "", tail] of absent)
      expect(tail === undefined ? result : result[head]).not.toHaveProperty([tail ?? head]);
    if (zone_attributes) expect(attributes(result)).toMatchObject(zone_attributes);
  });
});

describe("host-files", () => {
  const cases = vectors.filter((vector) => vector.kind === "host-files");

  test("all of them are here", () => expect(cases).toHaveLength(3));

  test.each(cases)("$name", ({ input, expected, expected_error }) => {
    if (expected_error)
      expect(() => hostFiles(input.vm)).toThrow(expect.objectContaining({ message: expected_error.message }));
    else expect(hostFiles(input.vm)).toEqual(expected!.files);
  });
});
