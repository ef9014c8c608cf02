import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { completeVmPayload, packageToZone } from "../../agent/zoneinit/vm-service.ts";

const DIRECTORY = new URL("../fixtures/docker-create/", import.meta.url);
const number = z.number().optional();
const vectorSchema = z.object({
  name: z.string(),
  kind: z.literal("vmadm-payload"),
  input: z.object({
    vm_payload: z.record(z.string(), z.unknown()),
    package: z
      .looseObject({
        brand: z.string().optional(),
        max_physical_memory: z.number(),
        max_swap: z.number(),
        max_lwps: number,
        cpu_cap: number,
        quota: z.number(),
        vcpus: number,
        zfs_io_priority: number,
        fss: z.union([z.number(), z.string()]).optional(),
      })
      .nullable(),
    image_manifest: z.looseObject({ tags: z.looseObject({ kernel_version: z.string().optional() }).optional() }),
    nics: z.array(z.looseObject({ resolvers: z.array(z.string()).optional() })),
  }),
  expected: z
    .object({ vmadm_payload: z.record(z.string(), z.unknown()), absent: z.array(z.array(z.string())).default([]) })
    .optional(),
  expected_error: z.looseObject({ errors: z.array(z.unknown()).optional() }).optional(),
});

/** Cases that need a service beside the node, and why. They belong to the doors of a head node. */
const NEEDS_SERVICE: Readonly<Record<string, string>> = {
  "res-package-unknown": "asks the package service whether a package exists",
  "res-image-inactive": "the image service's state of an image; recorded as a crash of the original",
};

const vectors = readdirSync(DIRECTORY)
  .filter((file) => file.startsWith("res-"))
  .map((file) => vectorSchema.parse(JSON.parse(readFileSync(new URL(file, DIRECTORY), "utf8"))));

describe("vectors of kind vmadm-payload", () => {
  test("there are 17, and those left out exist", () => {
    expect(vectors).toHaveLength(17);
    expect(vectors.map((v) => v.name)).toEqual(expect.arrayContaining(Object.keys(NEEDS_SERVICE)));
  });

  test.each(vectors.filter((v) => !(v.name in NEEDS_SERVICE)).map((v) => [v.name, v] as const))("%s", (_, vector) => {
    const { vm_payload, package: pkg, image_manifest, nics } = vector.input;
    const complete = () =>
      completeVmPayload(vm_payload, {
        package: pkg ?? undefined,
        imageKernelVersion: image_manifest.tags?.kernel_version,
        nics,
      });
    if (vector.expected === undefined) {
      const error: unknown = (() => {
        try {
          return complete();
        } catch (e) {
          return e;
        }
      })();
      expect(error).toBeInstanceOf(AgentError);
      expect(error).toMatchObject({ code: "PAYLOAD_INVALID", details: { errors: vector.expected_error?.errors } });
      return;
    }
    const payload = complete();
    expect(payload).toMatchObject(vector.expected.vmadm_payload);
    for (const path of vector.expected.absent) expect(payload).not.toHaveProperty(path);
  });
});

const PACKAGE = { max_physical_memory: 1024, max_swap: 4096, quota: 10240 };

test.each([
  [25.9, 25],
  ["25.9", 25],
  [undefined, 8],
])("fss %j gives %i shares", (fss, shares) => {
  expect(packageToZone({ ...PACKAGE, fss }, { brand: "lx" }).cpu_shares).toBe(shares);
});

test.each(["", "many"])("fss %j is refused", (fss) => {
  expect(() =>
    completeVmPayload({ brand: "lx", kernel_version: "4.3.0" }, { package: { ...PACKAGE, fss }, nics: [] }),
  ).toThrow(
    expect.objectContaining({
      details: {
        errors: [{ field: "cpu_shares", code: "Invalid", message: 'Package has invalid "fss" (cpu_shares) value' }],
      },
    }) as Error,
  );
});

test("given resolvers are kept and marked; an lx zone needs a kernel version", () => {
  const context = { package: PACKAGE, nics: [{ resolvers: ["8.8.8.8"] }] };
  expect(completeVmPayload({ brand: "lx", kernel_version: "4.3.0", resolvers: ["1.1.1.1"] }, context)).toMatchObject({
    resolvers: ["1.1.1.1"],
    internal_metadata: { no_nic_resolvers: true },
  });
  expect(() => completeVmPayload({ brand: "lx" }, context)).toThrow("Invalid VM parameters");
});
