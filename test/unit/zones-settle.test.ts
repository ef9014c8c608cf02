import { describe, expect, test } from "vitest";
import { isSweepable, judge, CREATE_HORIZON_MS, RESUME_HORIZON_MS, type Verdict } from "../../agent/zones/settle.ts";
import type { ZoneRecord } from "../../agent/zones/record.ts";
import { aVm, aRecord } from "../support/builders.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const running = aVm({ state: "running" });
const stopped = aVm({ state: "stopped" });
const exited = aVm({ state: "stopped", exit_status: 0, exit_timestamp: "2026-01-01T00:00:00.000Z" });
const half = aVm({ state: "provisioning", zone_state: "incomplete" });

interface Row {
  readonly name: string;
  readonly record: Partial<ZoneRecord>;
  readonly vm: typeof running | undefined;
  readonly request?: string;
  readonly unwatched?: boolean;
  readonly verdict: Verdict;
}

const rows: readonly Row[] = [
  {
    name: "creating, no zone, child known and gone",
    record: { phase: "creating", child: { pid: 1 } },
    vm: undefined,
    verdict: { do: "forget" },
  },
  {
    name: "creating, no zone, child never noted, recent",
    record: { phase: "creating" },
    vm: undefined,
    verdict: { do: "keep-watch" },
  },
  {
    name: "creating, no zone, child never noted, long ago",
    record: { phase: "creating", createdAt: new Date(now - CREATE_HORIZON_MS - 1).toISOString() },
    vm: undefined,
    verdict: { do: "forget" },
  },
  { name: "creating, half a zone", record: { phase: "creating" }, vm: half, verdict: { do: "delete" } },
  {
    name: "creating, whole zone nobody finished",
    record: { phase: "creating" },
    vm: stopped,
    verdict: { do: "delete" },
  },
  {
    name: "created by `create`",
    record: { phase: "created", want: "stopped" },
    vm: stopped,
    verdict: { do: "refuse" },
  },
  {
    name: "created, start never came, same request",
    record: { phase: "created" },
    vm: stopped,
    verdict: { do: "resume", from: "start" },
  },
  {
    name: "created, start came after all, same request",
    record: { phase: "created" },
    vm: running,
    verdict: { do: "resume", from: "start" },
  },
  {
    name: "created, start never came, other request",
    record: { phase: "created" },
    vm: stopped,
    request: "other",
    verdict: { do: "delete" },
  },
  {
    name: "created, started after all, other request",
    record: { phase: "created" },
    vm: running,
    request: "other",
    verdict: { do: "refuse" },
  },
  { name: "started, detached, same request", record: { phase: "started" }, vm: running, verdict: { do: "refuse" } },
  {
    name: "started, watcher killed, same request",
    record: { phase: "started", attached: true },
    vm: running,
    verdict: { do: "resume", from: "watch" },
  },
  {
    name: "started, watcher alive, same request",
    record: { phase: "started", attached: true },
    vm: running,
    unwatched: false,
    verdict: { do: "refuse" },
  },
  {
    name: "started, watcher killed, other request",
    record: { phase: "started", attached: true },
    vm: running,
    request: "other",
    verdict: { do: "refuse" },
  },
  {
    name: "started --rm, ended unwatched, other request",
    record: { phase: "started", autoRemove: true },
    vm: exited,
    request: "other",
    verdict: { do: "delete" },
  },
  {
    name: "started --rm, watcher killed, ended, same request",
    record: { phase: "started", autoRemove: true, attached: true },
    vm: exited,
    verdict: { do: "resume", from: "watch" },
  },
  {
    name: "started, zone deleted behind our back",
    record: { phase: "started" },
    vm: undefined,
    verdict: { do: "forget" },
  },
  { name: "removing, zone still there", record: { phase: "removing" }, vm: half, verdict: { do: "delete" } },
  { name: "removing, zone gone", record: { phase: "removing" }, vm: undefined, verdict: { do: "forget" } },
];

describe("what becomes of a record whose writer is gone", () => {
  test.each(rows)("$name", ({ record, vm, request, unwatched, verdict }) => {
    const situation = {
      record: aRecord({ request: "same", createdAt: new Date(now - 1000).toISOString(), ...record }),
      vm,
      request: request ?? "same",
      unwatched: unwatched ?? true,
      nowMs: now,
    };
    expect(judge(situation)).toEqual(verdict);
  });
});

describe("which --rm containers any command may delete", () => {
  const ended = Date.parse("2026-01-01T00:00:00.000Z");
  test.each([
    { name: "ended, detached", record: {}, vm: exited, sweepable: true },
    { name: "still running", record: {}, vm: running, sweepable: false },
    { name: "gone already", record: {}, vm: undefined, sweepable: false },
    { name: "not --rm", record: { autoRemove: false }, vm: exited, sweepable: false },
    { name: "being removed by somebody", record: { phase: "removing" }, vm: exited, sweepable: false },
    { name: "watcher alive", record: { attached: true }, vm: exited, unwatched: false, after: 1, sweepable: false },
    { name: "watcher killed just now: it may come again", record: { attached: true }, vm: exited, sweepable: false },
    { name: "watcher killed long ago", record: { attached: true }, vm: exited, after: 1, sweepable: true },
  ])("$name", ({ record, vm, unwatched, after, sweepable }) => {
    const nowMs = ended + RESUME_HORIZON_MS + (after ?? -1);
    const settled = aRecord({ autoRemove: true, ...record });
    expect(isSweepable({ record: settled, vm, unwatched: unwatched ?? true, nowMs })).toBe(sweepable);
  });
});
