// delete (vmadm.md 3.10): works in every state, whatever is missing.
import { rm } from "node:fs/promises";
import { listZoneUuids, loadVm, removeZoneConfig, setZoneProperties, changeZoneConfig } from "../../zone-store.ts";
import type { Filesystem } from "../../vm/zone-config.ts";
import { VmError } from "../../vm/vm-error.ts";
import { archiveZone } from "./archive.ts";
import { asChild } from "./child-failure.ts";
import { getVm, hit, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";

export async function deleteVm(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { words } = parseArguments(args, {});
  const uuid = uuidArgument(words, "delete");
  try {
    await deleteZone(host, uuid);
  } catch (error) {
    throw error instanceof VmError ? error.prefixed(`Failed to delete VM ${uuid}: `) : error;
  }
  return { stderr: `Successfully deleted VM ${uuid}` };
}

async function deleteZone(host: VmHost, uuid: string): Promise<void> {
  const { lab } = host;
  const vm = await getVm(host, uuid);
  if (!vm) throw new VmError(`VM ${uuid} not found`);
  for (const flag of ["indestructible_zoneroot", "indestructible_delegated"])
    if (vm[flag] === true) throw new VmError(`${flag} is set, cannot delete`);
  const sharing = vmsSharingVolumes(host, uuid);
  if (sharing.length > 0)
    throw new VmError(
      `Unable to delete VM ${uuid} the following VMs are sharing its volumes: ${JSON.stringify(sharing)}`,
    );
  await setZoneProperties(lab, uuid, { autoboot: false });
  await host.zones.halt(lab, uuid).catch(() => undefined); // what still holds on shows when the datasets go
  await hit(host, "delete.halted");
  if (vm["archive_on_delete"] === true) await archiveZone(host, vm);
  await changeZoneConfig(lab, uuid, (config) => ({ ...config, installState: "incomplete" }));
  await uninstall(host, uuid);
  await changeZoneConfig(lab, uuid, (config) => ({ ...config, installState: "configured" }));
  await hit(host, "delete.uninstalled");
  await removeZoneConfig(lab, uuid);
}

/** Destroys the zone's datasets; that there are none, because create never got there, is fine. */
async function uninstall(host: VmHost, uuid: string): Promise<void> {
  const name = `zones/${uuid}`;
  await asChild(async () => {
    if (await host.datasets.get(name)) await host.datasets.destroy(name, { recursive: true });
  });
  await rm(host.lab.path(`/zones/${uuid}`), { recursive: true, force: true });
}

function vmsSharingVolumes(host: VmHost, uuid: string): string[] {
  const volumes = `/zones/${uuid}/volumes/`;
  return listZoneUuids(host.lab).filter((other) => {
    if (other === uuid) return false;
    const filesystems = loadVm(host.lab, other, { runtime: host.zones.read })?.["filesystems"];
    return ((filesystems as readonly Filesystem[] | undefined) ?? []).some((fs) => fs.source.startsWith(volumes));
  });
}
