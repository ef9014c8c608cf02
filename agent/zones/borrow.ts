// `volumesFrom`: what another container mounts, as far as it is not the platform's.
import { AgentError } from "../errors/agent-error.ts";
import type { BorrowedMount, MountsOf } from "../spec/resolve-mounts.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { findZone } from "./find.ts";
import { isOurs } from "./observe.ts";

/** Reads from the zones as they are. A zone we did not make lends nothing. */
export function mountsOf(zones: readonly VmObject[]): MountsOf {
  return (reference) => {
    try {
      const vm = findZone(reference, zones);
      return isOurs(vm) ? borrowable(vm) : `zone ${vm.uuid} was not made by zonelet: its volumes are not lent`;
    } catch (error) {
      if (error instanceof AgentError) return error.message;
      throw error;
    }
  };
}

/** All but the files vmadm keeps below `<zonepath>/config` (vmadm.md 7). */
function borrowable(vm: VmObject): BorrowedMount[] {
  return (vm.filesystems ?? [])
    .filter(({ source }) => !source.startsWith(`${vm.zonepath}/config/`))
    .map(({ source, target, options }) => ({ source, target, readOnly: options?.includes("ro") ?? false }));
}
