// indestructible_zoneroot and indestructible_delegated (vmadm.md 8.4). The lab's pool has no holds: a property of the
// dataset stands for the hold on its snapshot @indestructible.
import { HOLD_PROPERTY } from "./dataset-facts.ts";
import type { VmHost } from "./host.ts";

export async function setIndestructible(
  host: VmHost,
  uuid: string,
  flags: { readonly zoneroot?: boolean; readonly delegated?: boolean },
): Promise<void> {
  if (flags.zoneroot !== undefined) await setHold(host, `zones/${uuid}`, flags.zoneroot);
  if (flags.delegated !== undefined) await setHold(host, `zones/${uuid}/data`, flags.delegated);
}

async function setHold(host: VmHost, dataset: string, held: boolean): Promise<void> {
  const snapshot = `${dataset}@indestructible`;
  const exists = (await host.datasets.get(snapshot)) !== undefined;
  if (held && !exists) await host.datasets.snapshot(snapshot);
  await host.datasets.set(dataset, HOLD_PROPERTY, held ? "on" : undefined);
  if (!held && exists) await host.datasets.destroy(snapshot);
}
