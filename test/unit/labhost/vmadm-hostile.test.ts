// Whatever a payload holds, vmadm answers in its own words: nothing but VmError and what the platform does not catch.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseArguments } from "../../../agent/labhost/commands/vmadm/options.ts";
import { normalizeCreatePayload } from "../../../agent/labhost/vm/create-payload.ts";
import { diffVms } from "../../../agent/labhost/vm/diff.ts";
import { parsePayload, type Payload } from "../../../agent/labhost/vm/json-text.ts";
import { NESTED_PROPERTIES, PROPERTIES } from "../../../agent/labhost/vm/properties.ts";
import { planUpdate } from "../../../agent/labhost/vm/update-plan.ts";
import { UncaughtError, VmError } from "../../../agent/labhost/vm/vm-error.ts";

const IMAGE = "1236eb25-b04d-c68a-150a-8a0ec3befbc9";
const world = { zpools: ["zones"], imageType: () => "docker" };
const uuid = (): string => "5c3f0a1e-7b52-4d18-9e0c-2f6a8b1d4e70";

/** Values that are nearly right, and any JSON. */
const value = fc.oneof(
  fc.constantFrom<unknown>(null, "", "dhcp", "10.0.0.5/24", "10.0.0.5", "true", 0, 1, -1, 256, 1e9, 1.5, [], {}, "a,b"),
  fc.jsonValue(),
);
const nestedNames = Object.keys(NESTED_PROPERTIES).map((key) => key.split(".").at(-1) ?? "");
const element = fc.dictionary(fc.constantFrom(...nestedNames), value, { maxKeys: 5 });
const payload = fc.dictionary(
  fc.oneof(fc.constantFrom(...Object.keys(PROPERTIES)), fc.string()),
  fc.oneof(value, fc.array(element, { maxLength: 3 })),
  { maxKeys: 8 },
);

/** Runs `work`; what the platform would say, or undefined where it says nothing. */
function words(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof VmError || error instanceof UncaughtError) return error.message;
    throw error;
  }
}

describe("hostile input", () => {
  test("create", () => {
    fc.assert(
      fc.property(payload, (changes) => {
        const input: Payload = { brand: "lx", image_uuid: IMAGE, kernel_version: "4", ...changes };
        expect(words(() => normalizeCreatePayload(input, world, uuid))).not.toBe("");
      }),
      { numRuns: 1500 },
    );
  });

  test("update", () => {
    const nics = [{ mac: "82:0d:b4:30:56:bb", nic_tag: "admin", ips: ["10.0.0.5/24"], interface: "eth0" }];
    const vm = {
      uuid: uuid(),
      brand: "lx",
      docker: true,
      nics,
      internal_metadata: {},
      tags: {},
      max_physical_memory: 256,
    };
    fc.assert(
      fc.property(payload, (changes) => {
        expect(words(() => planUpdate(vm, changes, world, uuid))).not.toBe("");
      }),
      { numRuns: 1500 },
    );
  });

  test("any text as payload", () => {
    fc.assert(fc.property(fc.string(), (text) => void words(() => parsePayload(text))));
    expect(words(() => parsePayload("null"))).toMatch(/^Invalid JSON payload: /);
  });

  test("any arguments", () => {
    const spec = { force: { kind: "flag", short: "F" }, timeout: { kind: "number", short: "t" } } as const;
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom("-F", "-t", "--", "--no", "-"))), (args) => {
        const { options } = parseArguments(args, spec);
        expect(["undefined", "number"]).toContain(typeof options["timeout"]);
      }),
    );
  });

  test("a zone differs from itself in nothing, and from another in something", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (a, b) => {
        expect(diffVms(a, structuredClone(a))).toEqual([]);
        if (JSON.stringify(a) === JSON.stringify(b)) return;
        const sameKeys = Object.keys(a).sort().join() === Object.keys(b).sort().join();
        if (!sameKeys) expect(diffVms(a, b)).not.toEqual([]);
      }),
    );
  });
});
