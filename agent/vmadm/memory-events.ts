// The memory twin's event stream.
import type { ZoneUuid } from "../util/ids.ts";
import type { VmEvent, VmObject } from "./schema.ts";

export interface EventHub {
  changed(before: VmObject | undefined, after: VmObject): void;
  deleted(zone: ZoneUuid): void;
  follow(options: {
    readonly zone?: ZoneUuid;
    readonly signal?: AbortSignal;
    readonly stream: string;
  }): AsyncIterable<VmEvent>;
}

export function createEventHub(zones: ReadonlyMap<ZoneUuid, VmObject>, now: () => Date): EventHub {
  const listeners = new Set<(event: VmEvent) => void>();
  const date = (): string => now().toISOString();
  const tell = (event: VmEvent): void => listeners.forEach((listener) => listener(event));

  async function* follow(options: Parameters<EventHub["follow"]>[0]): AsyncGenerator<VmEvent> {
    const { zone, signal, stream } = options;
    const waiting: VmEvent[] = [
      { type: "ready", date: date(), uuid: stream, vms: Object.fromEntries([...zones].map(([key, vm]) => [key, vm])) },
    ];
    let wake = (): void => undefined;
    const listener = (event: VmEvent): void => {
      if (zone !== undefined && event.uuid !== zone) return;
      waiting.push(event);
      wake();
    };
    listeners.add(listener);
    const onAbort = (): void => wake();
    signal?.addEventListener("abort", onAbort);
    try {
      while (!signal?.aborted) {
        const event = waiting.shift();
        if (event) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      listeners.delete(listener);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  return {
    follow,
    deleted: (zone) => tell({ type: "delete", date: date(), zonename: zone, uuid: zone }),
    changed(before, vm) {
      const named = { date: date(), zonename: vm.uuid, uuid: vm.uuid, vm };
      tell(before ? { type: "modify", ...named, changes: changesBetween(before, vm) } : { type: "create", ...named });
    },
  };
}

type Change = Extract<VmEvent, { type: "modify" }>["changes"][number];

/** Changed top-level keys, as vminfod words them. */
function changesBetween(before: VmObject, after: VmObject): Change[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const [oldValue, newValue] = [before[key], after[key]];
    if (JSON.stringify(oldValue) === JSON.stringify(newValue)) return [];
    const base = { prettyPath: key, path: [key] };
    if (oldValue === undefined) return { ...base, action: "added", newValue };
    if (newValue === undefined) return { ...base, action: "removed", oldValue };
    return { ...base, action: "changed", oldValue, newValue };
  });
}
