import { describe, expect, it } from "vitest";
import { checkPlatform, validateManifest } from "../../../agent/labhost/commands/imgadm/manifest.ts";
import { ImgadmError } from "../../../agent/labhost/commands/imgadm/errors.ts";

/** The smallest docker manifest imgadm accepts (imgadm.md 9.1). */
const smallest = {
  v: 2,
  uuid: "d27bd6a0-9b14-7bef-0ec1-7266e7f4135c",
  name: "docker-layer",
  version: "x",
  type: "docker",
  os: "linux",
  tags: { "docker:id": "sha256:ab" },
};

function complaint(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ImgadmError) return `${error.code ?? "-"}: ${error.message}`;
    throw error;
  }
  return "none";
}

describe("validateManifest (imgadm.md 5)", () => {
  it("accepts the smallest manifest and a complete one", () => {
    expect(validateManifest(smallest)).toBe(smallest);
    const complete = {
      ...smallest,
      owner: "00000000-0000-0000-0000-000000000000",
      origin: "8a98589a-db8e-bef7-a168-d5450f9da84d",
      disabled: false,
      public: "true",
      published_at: "2018-07-17T07:30:00.123Z",
      description: "",
      files: [{ sha1: "61e0", size: 1, compression: "none", digest: "sha256:ab", anything: true }],
      requirements: {
        brand: "lx",
        networks: [{ name: "net0", description: "" }],
        min_platform: { "7.0": "20220407T001427Z" },
      },
    };
    expect(complaint(() => validateManifest(complete))).toBe("none");
  });

  it.each([
    [{ v: undefined }, "v (MissingParameter)"],
    [{ name: undefined, foo: 1 }, "name (MissingParameter), foo"],
    [{ name: "a:b" }, "name"],
    [{ version: "1:2" }, "version"],
    [{ version: "x".repeat(513) }, "version"],
    [{ uuid: "D27BD6A0-9B14-7BEF-0EC1-7266E7F4135C" }, "uuid"],
    [{ origin: null }, "origin"],
    [{ published_at: "2018-07-17T07:30:00.12Z" }, "published_at"],
    [{ published_at: "2018-07-17" }, "published_at"],
    [{ type: "lxc" }, "type"],
    [{ os: "plan9" }, "os"],
    [{ files: [{ sha1: "a", size: 1, compression: "zstd" }] }, "files"],
    [{ files: [{ sha1: "", size: 1, compression: "none" }] }, "files"],
    [{ files: [{ sha1: "a", size: 0, compression: "none" }] }, "files"],
    [{ files: [1, 2] }, "files"],
    [{ tags: { big: "x".repeat(102_400) } }, "tags"],
    [{ tags: ["a"] }, "tags"],
    [{ channels: ["dev"] }, "channels"],
    [{ nic_driver: "virtio" }, "nic_driver"],
    [{ requirements: { foo: 1 } }, 'foo (unsupported requirement "foo")'],
    [{ requirements: { min_ram: "1" } }, "requirements.min_ram"],
    [{ activated: true }, "published_at (MissingParameter), files (MissingParameter)"],
  ])("complains about %j", (change, fields) => {
    expect(complaint(() => validateManifest({ ...smallest, ...change }))).toBe(
      `ManifestValidation: invalid manifest: ${fields}`,
    );
  });
});

describe("checkPlatform", () => {
  const check = (requirements: unknown): string =>
    complaint(() => {
      checkPlatform({ ...smallest, requirements }, "20250501T001122Z");
    });

  it.each([
    [{ min_platform: { "7.0": "20250501T001122Z" } }, "none"],
    [{ min_platform: { "7.0": "20250502T000000Z" } }, "MinPlatform"],
    [{ min_platform: { "6.5": "20990101T000000Z" } }, "none"],
    [{ min_platform: { "8.0": "20120101T000000Z" } }, "MinPlatform"],
    [{ max_platform: { "7.0": "20250501T001122Z" } }, "none"],
    [{ max_platform: { "7.0": "20200101T000000Z" } }, "MaxPlatform"],
    [{ max_platform: { "6.5": "20990101T000000Z" } }, "MaxPlatform"],
    [undefined, "none"],
  ])("%j: %s", (requirements, code) => {
    expect(check(requirements).split(":")[0]).toBe(code);
  });
});
