import { expect, test } from "vitest";
import { planZone, type ZoneIntent } from "../../agent/zones/plan-zone.ts";
import { aRecord, aVm } from "../support/builders.ts";

const DIGEST = "sha256:aa";
const intent: ZoneIntent = { digest: DIGEST, role: "main", owner: "apply" };
const marks = { "zonelet:version": "1", "zonelet:digest": DIGEST, "zonelet:owner": "apply" };
const vm = (changes: object = {}, more: object = {}) => aVm({ internal_metadata: { ...marks, ...more }, ...changes });
const ended = { exit_status: 0, exit_timestamp: "2026-01-01T00:00:00.000Z" };

test.each([
  ["nothing there", intent, undefined, undefined, "create"],
  ["a create that was killed", intent, vm(), aRecord({ phase: "creating" }), "create"],
  ["a delete that was killed", intent, vm({ state: "running" }), aRecord({ phase: "removing" }), "create"],
  ["made, never started", intent, vm(), aRecord({ phase: "created" }), "start"],
  ["running as asked for", intent, vm({ state: "running" }), aRecord(), "keep"],
  ["running, its record lost", intent, vm({ state: "running" }), undefined, "keep"],
  ["another request", { ...intent, digest: "sha256:bb" }, vm({ state: "running" }), aRecord(), "recreate"],
  ["failed", intent, vm({ state: "failed" }), aRecord(), "recreate"],
  ["run to its end", intent, vm(ended), aRecord(), "keep"],
  ["should always run, stopped by hand", intent, vm(ended, { "docker:restartpolicy": "always" }), aRecord(), "start"],
  [
    "about to be restarted by the platform",
    intent,
    vm({ ...ended, autoboot: true }, { "docker:restartpolicy": "always" }),
    aRecord(),
    "keep",
  ],
  ["an init container that ended well", { ...intent, role: "init" }, vm(ended), aRecord(), "keep"],
  ["an init container that failed", { ...intent, role: "init" }, vm({ ...ended, exit_status: 3 }), aRecord(), "start"],
  ["somebody's own zone", intent, aVm({ internal_metadata: {} }), undefined, "refuse"],
  ["run by hand", intent, aVm(), aRecord(), "refuse"],
  ["applied, and now run by hand", { ...intent, owner: undefined }, vm(), aRecord(), "refuse"],
] as const)("%s", (_, asked, zone, record, expected) => {
  expect(planZone(asked, { vm: zone, record }).do).toBe(expected);
});
