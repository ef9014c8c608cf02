import { describe, expect, test } from "vitest";
import { planUpdate } from "../../agent/zones/update.ts";
import { aVm } from "../support/builders.ts";

const vm = aVm({ state: "running", max_physical_memory: 512, max_swap: 768, tmpfs: 512, max_locked_memory: 512 });

describe("the payload of an update", () => {
  test.each([
    [{ memory: "1g" }, { max_physical_memory: 1024, max_locked_memory: 1024, max_swap: 1280, tmpfs: 512 }],
    [{ memory: "64m" }, { max_physical_memory: 64, max_locked_memory: 64, max_swap: 320, tmpfs: 64 }],
    [
      { memory: "64m", memorySwap: "64m" },
      { max_physical_memory: 64, max_locked_memory: 64, max_swap: 256, tmpfs: 64 },
    ],
    [{ cpus: "0.29" }, { cpu_cap: 29 }],
    [{ cpus: "0" }, { cpu_cap: 0 }],
    [{ pidsLimit: "100" }, { max_lwps: 100 }],
    [{ restart: "no" }, { autoboot: false, remove_internal_metadata: ["docker:restartpolicy"] }],
    [{ restart: "unless-stopped" }, { autoboot: true, set_internal_metadata: { "docker:restartpolicy": "always" } }],
  ])("%j", (changes, payload) => {
    expect(planUpdate(vm, changes)).toEqual(payload);
  });

  test("a policy starts no stopped container", () => {
    expect(planUpdate(aVm(), { restart: "on-failure:3" })).toEqual({
      set_internal_metadata: { "docker:restartpolicy": "on-failure:3" },
    });
  });

  test.each([
    {},
    { memory: "much" },
    { memory: "1m" },
    { memorySwap: "100m" },
    { cpus: "-1" },
    { pidsLimit: "0" },
    { restart: "on-failure:x" },
  ])("refuses %j", (changes) => {
    expect(() => planUpdate(vm, changes)).toThrow(expect.objectContaining({ code: "USAGE" }) as Error);
  });
});
