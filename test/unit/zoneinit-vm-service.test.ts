import { expect, test } from "vitest";
import { completeVmPayload, packageToZone } from "../../agent/zoneinit/vm-service.ts";

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
        docker: { status: 409, code: "ValidationFailed" },
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
