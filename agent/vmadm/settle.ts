// After a vminfod timeout the platform's answer says nothing about the change (vmadm.md 4.5): whether the zone, read
// again, is as it would be after success. Pure; doubt means "no".
import { z } from "zod";
import type { SnapshotName, UpdatePayload, VmObject } from "./schema.ts";

/** Created completely: `create` removes the provisioning mark as its very last step (vmadm.md 3.1). */
export function isCreated(vm: VmObject | undefined): boolean {
  return vm?.state === "stopped" && vm["provisioning"] !== true;
}

/** Running, or over again with an exit record not older than `askedAt` (milliseconds since the epoch). */
export function isStarted(vm: VmObject | undefined, askedAt: number): boolean {
  if (vm?.state === "running") return true;
  return vm?.state === "stopped" && secondOf(vm.exit_timestamp) >= secondOf(askedAt);
}

export function isStopped(vm: VmObject | undefined): boolean {
  return vm !== undefined && (vm.zone_state === "installed" || vm.zone_state === "configured");
}

/** `boot_timestamp` has whole seconds. */
export function isRebooted(vm: VmObject | undefined, askedAt: number): boolean {
  return vm?.state === "running" && secondOf(vm.boot_timestamp) >= secondOf(askedAt);
}

export function hasSnapshot(vm: VmObject | undefined, name: SnapshotName): boolean {
  const snapshots = z.array(z.looseObject({ name: z.string() })).safeParse(vm?.["snapshots"]);
  return snapshots.success && snapshots.data.some((snapshot) => snapshot.name === name);
}

/** Every key of the payload has its new value. Values the platform clamps look unequal, which is the safe side. */
export function isUpdated(vm: VmObject | undefined, payload: UpdatePayload): boolean {
  return vm !== undefined && Object.entries(payload).every(([key, wanted]) => keyHolds(vm, key, wanted));
}

type Named = Readonly<Record<string, unknown>>;

function keyHolds(vm: VmObject, key: string, wanted: unknown): boolean {
  const [, verb, property] = /^(set|remove|add|update)_(.*)$/.exec(key) ?? [];
  if (verb === undefined || property === undefined) return sameValue(vm[key], wanted);
  if (property === "nics" || property === "filesystems") {
    const name = property === "nics" ? "mac" : "target";
    const present = records(vm[property]);
    if (verb === "remove") return strings(wanted).every((id) => !present.some((item) => item[name] === id));
    return records(wanted).every((item) => present.some((other) => contains(other, item)));
  }
  const map = z.record(z.string(), z.unknown()).catch({}).parse(vm[property]);
  if (verb === "remove") return strings(wanted).every((name) => !(name in map));
  return contains(map, z.record(z.string(), z.unknown()).catch({}).parse(wanted));
}

function contains(whole: Named, part: Named): boolean {
  return Object.entries(part).every(([key, value]) => sameValue(whole[key], value));
}

/** An unset property is absent from the object; an empty list comes back without its key (vmadm.md 8.3). */
function sameValue(found: unknown, wanted: unknown): boolean {
  const plain = (value: unknown): string =>
    value === undefined || value === "" || (Array.isArray(value) && value.length === 0) ? "" : JSON.stringify(value);
  return plain(found) === plain(wanted);
}

function records(value: unknown): Named[] {
  return z.array(z.record(z.string(), z.unknown())).catch([]).parse(value);
}

function strings(value: unknown): string[] {
  return z.array(z.string()).catch([]).parse(value);
}

/** Fractions in exit times can be wrong by almost a second (vmadm.md 11). NaN, comparing false, when there is no time. */
function secondOf(time: string | number | undefined): number {
  return time === undefined ? NaN : Math.floor(new Date(time).getTime() / 1000);
}
