// What to do about containers of the wanted name that an earlier command left behind. Runs under the lock of the name,
// so whoever wrote these records is not writing any more: it ended, or it was killed.
//
// While its writer was dead anything may have happened: the child it had started went on (vmadm is never killed half
// way), an operator deleted or started the zone, the machine was booted. So the zone is looked at, never assumed.
import { setTimeout as sleep } from "node:timers/promises";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { isAlive, processIdentity } from "../util/process-identity.ts";
import { hasEnded } from "./observe.ts";
import type { ZoneRecord } from "./record.ts";
import type { ZoneStore } from "./store.ts";

/** How long a create whose caller was killed, and whose child we do not know, may still bring a zone forth. */
export const CREATE_HORIZON_MS = 10 * 60_000;
const CHILD_DEADLINE_MS = 300_000;

export type Verdict =
  /** The record told of nothing that exists: the name is free. */
  | { readonly do: "forget" }
  /** A create that may still come: keep the record, do not let it block the name. */
  | { readonly do: "keep-watch" }
  | { readonly do: "delete" }
  /** The same request again: go on from where it stopped. */
  | { readonly do: "resume"; readonly from: "start" | "watch" }
  | { readonly do: "refuse" };

export interface Situation {
  readonly record: ZoneRecord;
  readonly vm: VmObject | undefined;
  /** Digest of the request at hand; undefined where the caller wants no container of that name (rm). */
  readonly request: string | undefined;
  /** False while another process watches that container in the foreground. */
  readonly unwatched: boolean;
  readonly nowMs: number;
}

/** Decides from the record and the zone as it is. Pure; the table of test/unit/zones-settle.test.ts. */
export function judge({ record, vm, request, unwatched, nowMs }: Situation): Verdict {
  if (record.phase === "removing") return vm ? { do: "delete" } : { do: "forget" };
  if (record.phase === "creating") {
    if (vm) return { do: "delete" };
    const childKnown = record.child !== undefined;
    return !childKnown && nowMs - Date.parse(record.createdAt) < CREATE_HORIZON_MS
      ? { do: "keep-watch" }
      : { do: "forget" };
  }
  if (!vm) return { do: "forget" };
  const same = request !== undefined && request === record.request;
  if (record.phase === "created" && record.want === "running") {
    if (same) return { do: "resume", from: "start" };
    return vm.state === "running" ? { do: "refuse" } : { do: "delete" };
  }
  if (record.phase === "started" && record.autoRemove && unwatched && hasEnded(vm) && !same) return { do: "delete" };
  if (record.phase === "started" && record.attached && unwatched && same) return { do: "resume", from: "watch" };
  return { do: "refuse" };
}

/** How long a foreground `--rm` container whose watcher was killed is kept for the same command to go on with. */
export const RESUME_HORIZON_MS = 10 * 60_000;

/** May a `--rm` container be deleted by a command that has nothing to do with it? */
export function isSweepable({ record, vm, unwatched, nowMs }: Omit<Situation, "request">): boolean {
  if (!vm || !record.autoRemove || record.phase !== "started" || !hasEnded(vm)) return false;
  if (!record.attached) return true;
  const ended = Date.parse(vm.exit_timestamp ?? record.createdAt);
  return unwatched && Math.abs(nowMs - ended) > RESUME_HORIZON_MS;
}

/**
 * The record's name is out of date: a rename was killed before it could be written down, or somebody renamed the zone
 * with vmadm. Such a record says nothing about its old name.
 */
export function goesByAnotherName(record: ZoneRecord, vm: VmObject | undefined): boolean {
  return vm?.alias !== undefined && vm.alias !== record.name && record.phase !== "creating";
}

/** Lets a child that outlived its caller end; resolves at once when there is none. */
export async function awaitSurvivor(
  record: ZoneRecord,
  signal?: AbortSignal,
  deadlineMs = CHILD_DEADLINE_MS,
): Promise<boolean> {
  const { child } = record;
  if (!child) return false;
  const identity = { pid: child.pid, ...(child.start === undefined ? {} : { start: child.start }) };
  const deadline = performance.now() + deadlineMs;
  let waited = false;
  while (isAlive(identity) && performance.now() < deadline) {
    waited = true;
    await sleep(50, undefined, signal ? { signal } : {});
  }
  return waited;
}

/** Names the child in the record as soon as it exists, so that whoever comes after our death can wait for it. */
export function childRecorder(record: ZoneRecord, store: ZoneStore): (pid: number) => void {
  return (pid) => {
    try {
      store.saveNow({ ...record, child: processIdentity(pid) });
    } catch {
      // A full disk must not keep us from waiting for the child. Without a name in the record, whoever comes after our
      // death watches for the zone instead (`keep-watch`).
    }
  };
}

/** Removes a zone and then its record; a repeat finishes what was begun. A child the record names may still be at work. */
export async function deleteZone(
  record: ZoneRecord,
  dependencies: { readonly vmadm: Pick<Vmadm, "delete">; readonly store: ZoneStore },
): Promise<void> {
  const { vmadm, store } = dependencies;
  const removing: ZoneRecord = { ...record, phase: "removing" };
  await store.save(removing);
  await vmadm.delete(record.uuid, { onSpawn: childRecorder(removing, store) });
  await store.remove(record.uuid);
}
