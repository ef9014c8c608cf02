// Zones in results. Metadata is where containers keep their passwords: its keys are told, its values only where they are
// the agent's or the platform's own.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import type { ZoneUuid } from "../../util/ids.ts";
import { zoneUuid, type VmObject } from "../../vmadm/schema.ts";
import type { Vmadm } from "../../vmadm/client.ts";
import { isContainerZone } from "../../zones/observe.ts";
import type { TaskContext } from "../task.ts";

export const zoneInput = z.object({ uuid: zoneUuid.describe("the zone") });
export const zoneOutput = z.object({ vm: z.looseObject({ uuid: z.string(), state: z.string() }) });

const TOLD = new Set(["docker:id", "docker:restartpolicy", "docker:restartcount", "docker:logdriver"]);

export function zoneView(vm: VmObject): VmObject {
  const keysOf = (metadata: VmObject["internal_metadata"]): VmObject["internal_metadata"] =>
    Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [
        key,
        TOLD.has(key) || key.startsWith("zonelet:") ? value : "(withheld)",
      ]),
    );
  return {
    ...vm,
    internal_metadata: keysOf(vm.internal_metadata),
    customer_metadata: keysOf(vm.customer_metadata),
  };
}

/** The zone as it is now. ZONE_NOT_FOUND, and ZONE_UNSUPPORTED for one that is no container. */
export async function needContainer(vmadm: Vmadm, uuid: ZoneUuid, { signal }: TaskContext): Promise<VmObject> {
  const vm = await vmadm.get(uuid, { signal });
  if (!vm) throw new AgentError("ZONE_NOT_FOUND", `no zone ${uuid} on this node`);
  if (!isContainerZone(vm))
    throw new AgentError("ZONE_UNSUPPORTED", `zone ${uuid} is of brand ${vm.brand}: only containers are worked on`);
  return vm;
}

/** What tells one run of a zone from the next; a boot's time alone has whole seconds. */
export function runOf(vm: VmObject): string {
  return JSON.stringify([vm.pid ?? null, vm.boot_timestamp ?? null, vm.exit_timestamp ?? null]);
}
