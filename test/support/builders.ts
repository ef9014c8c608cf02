// Builders with defaults: a test names only what it is about.
import { vmObjectSchema, type VmObject } from "../../agent/vmadm/schema.ts";
import { zoneRecordSchema, type ZoneRecord } from "../../agent/zones/record.ts";

export const UUID = "7b9e1c1a-4f0d-4b5e-9a7a-0c8f5f1d2a11";

/** A container zone of ours. */
export function aVm(overrides: Record<string, unknown> = {}): VmObject {
  return vmObjectSchema.parse({
    uuid: UUID,
    zonename: UUID,
    brand: "lx",
    state: "stopped",
    zone_state: "installed",
    zonepath: `/zones/${UUID}`,
    docker: true,
    autoboot: false,
    alias: "web",
    internal_metadata: { "zonelet:version": "1", "docker:id": `${UUID.replaceAll("-", "")}${"ab".repeat(16)}` },
    ...overrides,
  });
}

export function aRecord(overrides: Record<string, unknown> = {}): ZoneRecord {
  return zoneRecordSchema.parse({
    version: 1,
    uuid: UUID,
    name: "web",
    phase: "started",
    request: "digest",
    want: "running",
    attached: false,
    autoRemove: false,
    image: "2b683a82-a066-41e3-97ab-2faa44701c5a",
    createdAt: "2026-01-01T00:00:00.000Z",
    ...overrides,
  });
}
