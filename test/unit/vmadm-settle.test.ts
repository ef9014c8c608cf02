import { describe, expect, it } from "vitest";
import { newZoneUuid } from "../../agent/util/ids.ts";
import { snapshotName, vmObjectSchema, type UpdatePayload, type VmObject } from "../../agent/vmadm/schema.ts";
import { hasSnapshot, isCreated, isRebooted, isStarted, isStopped, isUpdated } from "../../agent/vmadm/settle.ts";

function aZone(more: Record<string, unknown> = {}): VmObject {
  const uuid = newZoneUuid();
  return vmObjectSchema.parse({
    uuid,
    zonename: uuid,
    brand: "lx",
    state: "stopped",
    zone_state: "installed",
    zonepath: `/zones/${uuid}`,
    ...more,
  });
}

const ASKED = Date.parse("2025-05-02T09:15:04.700Z");

describe("after a create", () => {
  it.each([
    [undefined, false],
    [aZone(), true],
    [aZone({ provisioning: true }), false],
    [aZone({ state: "provisioning" }), false],
    [aZone({ state: "configured", zone_state: "configured" }), false],
    [aZone({ state: "failed" }), false],
  ])("case %#", (vm, done) => {
    expect(isCreated(vm)).toBe(done);
  });
});

describe("after a start", () => {
  it.each([
    [undefined, false],
    [aZone({ state: "running", zone_state: "running" }), true],
    [aZone(), false],
    [aZone({ exit_timestamp: "2025-05-02T09:15:03.999Z", exit_status: 0 }), false],
    // Fractions of exit times can be wrong, so the second counts.
    [aZone({ exit_timestamp: "2025-05-02T09:15:04.100Z", exit_status: 0 }), true],
    [aZone({ exit_timestamp: "2025-05-02T09:15:09.000Z", exit_status: 1 }), true],
    [aZone({ state: "ready", zone_state: "ready" }), false],
  ])("case %#", (vm, done) => {
    expect(isStarted(vm, ASKED)).toBe(done);
  });
});

describe("after a stop or reboot", () => {
  it("looks at the zone's state in the kernel, and at the boot time", () => {
    const running = { state: "running", zone_state: "running" };
    expect(isStopped(aZone({ state: "failed" }))).toBe(true);
    expect([isStopped(undefined), isStopped(aZone(running)), isStopped(aZone({ zone_state: "down" }))]).toEqual([
      false,
      false,
      false,
    ]);
    expect(isRebooted(aZone({ ...running, boot_timestamp: "2025-05-02T09:15:04.000Z" }), ASKED)).toBe(true);
    expect(isRebooted(aZone({ ...running, boot_timestamp: "2025-05-02T09:15:03.000Z" }), ASKED)).toBe(false);
    expect(isRebooted(aZone(running), ASKED)).toBe(false);
  });
});

describe("after an update", () => {
  const vm = aZone({
    alias: "a",
    cpu_cap: 50,
    resolvers: [],
    tags: { a: 1, b: "x" },
    internal_metadata: { k: "v" },
    nics: [{ mac: "aa:bb", nic_tag: "external", ips: ["10.0.0.1/24"], primary: true }],
    filesystems: [{ source: "/a", target: "/b", type: "lofs" }],
  });

  it.each<[UpdatePayload, boolean]>([
    [{}, true],
    [{ alias: "a", cpu_cap: 50 }, true],
    [{ alias: "a", cpu_cap: 60 }, false],
    [{ hostname: "" }, true],
    [{ hostname: "h" }, false],
    [{ resolvers: [] }, true],
    [{ resolvers: ["8.8.8.8"] }, false],
    [{ set_tags: { a: 1 }, remove_tags: ["c"] }, true],
    [{ set_tags: { a: "1" } }, false],
    [{ remove_tags: ["b"] }, false],
    [{ set_internal_metadata: { k: "v" }, remove_internal_metadata: ["k2"] }, true],
    [{ set_customer_metadata: { k: "v" } }, false],
    [{ add_nics: [{ nic_tag: "external", ips: ["10.0.0.1/24"] }] }, true],
    [{ add_nics: [{ nic_tag: "external", ips: ["10.0.0.2/24"] }] }, false],
    [{ update_nics: [{ mac: "aa:bb", primary: true }] }, true],
    [{ update_nics: [{ mac: "aa:bb", vlan_id: 2 }] }, false],
    [{ remove_nics: ["aa:bb"] }, false],
    [{ remove_nics: ["cc:dd"], remove_filesystems: ["/c"] }, true],
    [{ add_filesystems: [{ source: "/a", target: "/b", type: "lofs", options: [] }] }, true],
    [{ remove_filesystems: ["/b"] }, false],
  ])("%j -> %s", (payload, done) => {
    expect(isUpdated(vm, payload)).toBe(done);
    expect(isUpdated(undefined, payload)).toBe(false);
  });
});

it("finds a snapshot by name", () => {
  const vm = aZone({ snapshots: [{ name: "one", created_at: "2025-05-02T09:15:04" }] });
  expect(hasSnapshot(vm, snapshotName.parse("one"))).toBe(true);
  expect(hasSnapshot(vm, snapshotName.parse("two"))).toBe(false);
  expect(hasSnapshot(aZone({ snapshots: "odd" }), snapshotName.parse("one"))).toBe(false);
  expect(hasSnapshot(undefined, snapshotName.parse("one"))).toBe(false);
});
