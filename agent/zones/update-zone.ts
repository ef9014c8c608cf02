// The change of a container that is there. The caller holds the lock of its name.
import { createHash } from "node:crypto";
import { AgentError } from "../errors/agent-error.ts";
import type { ZoneUuid } from "../util/ids.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { UpdatePayload, VmObject } from "../vmadm/schema.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import { isOurs } from "./observe.ts";
import { refusedPayload } from "./refused-payload.ts";
import { planUpdate, type ContainerChanges } from "./update.ts";

export interface UpdateDependencies {
  readonly vmadm: Pick<Vmadm, "get" | "validateUpdate" | "update">;
  readonly signal: AbortSignal | undefined;
  readonly onSpawn: ((pid: number) => void) | undefined;
}

/**
 * Asks vmadm whether it likes the change, then makes it, in one vmadm update together with our mark: whoever declares
 * the container (`apply`) sees that it is no longer as declared. Nothing is done where all is so already.
 */
export async function updateZone(
  zone: ZoneUuid,
  changes: ContainerChanges,
  { vmadm, signal, onSpawn }: UpdateDependencies,
): Promise<VmObject> {
  const vm = await vmadm.get(zone, { signal });
  if (vm === undefined) throw new AgentError("CONTAINER_NOT_FOUND", `zone ${zone} is gone`);
  if (!isOurs(vm))
    throw new AgentError("CONTAINER_FOREIGN", `zone ${vm.uuid} was not made by zonelet: it is not changed`);
  const payload = planUpdate(vm, changes);
  if (holds(vm, payload)) return vm;
  const marked = { ...payload, set_internal_metadata: { ...payload.set_internal_metadata, ...mark(vm, payload) } };
  const refused = await vmadm.validateUpdate(vm.brand, marked, { signal });
  if (refused !== undefined) throw refusedPayload(`update ${vm.alias ?? vm.uuid}`, refused, [], "nothing was changed");
  await vmadm.update(zone, marked, { signal, ...(onSpawn ? { onSpawn } : {}) });
  return vm;
}

function holds(vm: VmObject, { set_internal_metadata: set, remove_internal_metadata: remove, ...rest }: UpdatePayload) {
  const metadata = vm.internal_metadata;
  return (
    Object.entries(rest).every(([key, value]) => vm[key] === value) &&
    Object.entries(set ?? {}).every(([key, value]) => metadata[key] === value) &&
    (remove ?? []).every((key) => !(key in metadata))
  );
}

/** What was asked for, and what was asked for later: another digest than any declaration has. */
function mark(vm: VmObject, payload: UpdatePayload): Record<string, string> {
  const text = JSON.stringify([vm.internal_metadata[MARK_KEYS.digest], payload]);
  return { [MARK_KEYS.digest]: `sha256:${createHash("sha256").update(text).digest("hex")}` };
}
