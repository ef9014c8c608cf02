// What to do about one declared container, from what is asked for and what is there. Pure: the table of
// test/unit/zones-plan.test.ts. Whoever keeps containers as declared asks here.
import type { ZoneOwner } from "../zoneinit/manifest.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { exitOf, hasEnded, isOurs, zonePhase } from "./observe.ts";
import type { ZoneRecord } from "./record.ts";

export interface ZoneIntent {
  /** Digest of what is asked for. */
  readonly digest: string;
  readonly role: "main" | "init";
  /** Who asks; undefined: a person, by hand. */
  readonly owner: ZoneOwner | undefined;
}

export interface ObservedZone {
  readonly vm: VmObject | undefined;
  readonly record: ZoneRecord | undefined;
}

export type ZonePlan =
  /** Also where an earlier command was killed half-way: making it anew settles that first. */
  | { readonly do: "create" }
  | { readonly do: "start" }
  | { readonly do: "keep" }
  | { readonly do: "recreate"; readonly why: string }
  | { readonly do: "refuse"; readonly why: string };

export function planZone(intent: ZoneIntent, { vm, record }: ObservedZone): ZonePlan {
  if (vm === undefined) return { do: "create" };
  if (record?.phase === "creating" || record?.phase === "removing") return { do: "create" };
  if (!isOurs(vm)) return { do: "refuse", why: `zone ${vm.uuid} of that name was not made by zonelet` };
  const owner = vm.internal_metadata[MARK_KEYS.owner];
  if (owner !== intent.owner)
    return {
      do: "refuse",
      why:
        intent.owner === undefined
          ? `it was made by "zonelet ${String(owner)}"`
          : `it was not made by "zonelet ${intent.owner}"`,
    };
  if (vm.internal_metadata[MARK_KEYS.digest] !== intent.digest) return { do: "recreate", why: "it differs" };
  switch (zonePhase(vm)) {
    case "failed":
      return { do: "recreate", why: "it has failed" };
    case "created":
    case "stopping":
      return { do: "start" };
    case "exited":
      return planEnded(intent, vm);
    case "absent":
    case "running":
    case "provisioning":
    case "starting":
    case "unknown":
      return { do: "keep" };
  }
}

/** What has run to its end stays so; what should always run, and an init container that failed, is started again. */
function planEnded({ role }: ZoneIntent, vm: VmObject): ZonePlan {
  if (role === "init") return exitOf(vm)?.code === 0 ? { do: "keep" } : { do: "start" };
  if (!hasEnded(vm)) return { do: "keep" };
  return vm.internal_metadata["docker:restartpolicy"] === "always" ? { do: "start" } : { do: "keep" };
}
