// What vminfod would tell between two looks at all zones (vmadm.md 12); pure.
import { diffVms } from "./diff.ts";
import type { VmEvent } from "./event-text.ts";
import type { Payload } from "./json-text.ts";

export type ZoneMap = ReadonlyMap<string, Payload>;

/** Creations and changes in the order of `after`, then deletions. */
export function eventsBetween(before: ZoneMap, after: ZoneMap, date: string): VmEvent[] {
  const events: VmEvent[] = [];
  for (const [uuid, vm] of after) {
    const old = before.get(uuid);
    if (!old) {
      events.push({ type: "create", date, zonename: uuid, uuid, vm });
      continue;
    }
    const changes = diffVms(old, vm);
    if (changes.length > 0) events.push({ type: "modify", date, zonename: uuid, uuid, vm, changes });
  }
  for (const uuid of before.keys()) if (!after.has(uuid)) events.push({ type: "delete", date, zonename: uuid, uuid });
  return events;
}
