// From the platform's zone object to what the agent decides by.
import type { VmObject } from "../vmadm/schema.ts";
import { DEFAULT_NAMESPACE, FOREIGN_NAMESPACE, identifierFault, NAMESPACE_LABEL } from "../util/identifiers.ts";
import { LABEL_TAG_PREFIX } from "../zoneinit/metadata-keys.ts";
import { exitStatus, type ExitStatus } from "../vmadm/exit-status.ts";

export type ZonePhase =
  "absent" | "provisioning" | "created" | "exited" | "starting" | "running" | "stopping" | "failed" | "unknown";

/** The phase of a container. `created` is told from `exited` by the restart count that the first start writes (vmadm.md 11). */
export function zonePhase(vm: VmObject | undefined): ZonePhase {
  if (!vm) return "absent";
  switch (vm.state) {
    case "running":
      return "running";
    case "stopped":
      return vm.exit_timestamp === undefined && vm.internal_metadata["docker:restartcount"] === undefined
        ? "created"
        : "exited";
    case "provisioning":
    case "receiving":
    case "configured":
    case "incomplete":
    case "installed":
      return "provisioning";
    case "ready":
      return "starting";
    case "stopping":
    case "shutting_down":
    case "down":
      return "stopping";
    case "failed":
      return "failed";
    default:
      return "unknown";
  }
}

/** How the last run ended; undefined while it runs and before it ever did. */
export function exitOf(vm: VmObject): ExitStatus | undefined {
  return vm.exit_status === undefined ? undefined : exitStatus(vm.exit_status);
}

/** True when the container has ended for good: vmadmd will not start it again by its restart policy (dockerinit.md 5.3). */
export function hasEnded(vm: VmObject): boolean {
  if (vm.state === "failed") return true;
  if (vm.state !== "stopped" || vm.exit_timestamp === undefined) return false;
  const policy = vm.internal_metadata["docker:restartpolicy"];
  if (vm.autoboot !== true || typeof policy !== "string" || policy === "") return true;
  if (policy === "always") return false;
  const onFailure = /^on-failure(?::(\d+))?$/.exec(policy);
  if (!onFailure) return true;
  if ((vm.exit_status ?? 0) === 0) return true;
  const limit = Number(onFailure[1] ?? 0);
  return limit > 0 && Number(vm.internal_metadata["docker:restartcount"] ?? 0) >= limit;
}

/** True for zones the agent made: only those are ever changed without being named. */
export function isOurs(vm: VmObject): boolean {
  return vm.internal_metadata["zonelet:version"] !== undefined;
}

/** Brands whose zones can be containers. */
const CONTAINER_BRANDS = new Set(["lx", "joyent-minimal"]);

/** True for zones that can be containers, whoever made them. */
export function isContainerZone(vm: VmObject): boolean {
  return CONTAINER_BRANDS.has(vm.brand);
}

/** Names of the snapshots somebody took of the zone. */
export function snapshotNames(vm: VmObject): readonly string[] {
  const { snapshots } = vm;
  if (!Array.isArray(snapshots)) return [];
  return snapshots.flatMap((one: unknown) =>
    typeof one === "object" && one !== null && "name" in one && typeof one.name === "string" ? [one.name] : [],
  );
}

/** The namespace a container was put into by its label; zones of others have one of their own. */
export function namespaceOf(vm: VmObject): string {
  if (!isOurs(vm)) return FOREIGN_NAMESPACE;
  const wanted = vm.tags[`${LABEL_TAG_PREFIX}${NAMESPACE_LABEL}`];
  return typeof wanted === "string" && identifierFault(wanted) === undefined ? wanted : DEFAULT_NAMESPACE;
}
