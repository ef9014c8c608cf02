// create-snapshot, delete-snapshot, rollback-snapshot (vmadm.md 3.13).
import type { LabVm } from "../../lab-vm.ts";
import { withConfigLock } from "../../zone-store.ts";
import { UsageError, VmError } from "../../vm/vm-error.ts";
import { asChild } from "./child-failure.ts";
import { getVm, hit, lookAt, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";
import { startZone } from "./start.ts";

const NAME = /^[a-zA-Z0-9\-_.:%]{1,64}$/;

export async function createSnapshot(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { uuid, name } = snapshotArguments(args, "create-snapshot");
  await withConfigLock(host.lab, uuid, async () => {
    const vm = await knownVm(host, uuid);
    if (vm["datasets"] !== undefined) throw new VmError("Cannot currently snapshot zones that have datasets");
    checkName(name);
    if (hasSnapshot(vm, name)) throw new VmError(`snapshot with name "${name}" already exists.`);
    await hit(host, "create-snapshot.snapshotting");
    await asChild(() => host.datasets.snapshot(datasetName(uuid, name)));
  });
  return { stderr: `Created snapshot ${name} for VM ${uuid}` };
}

export async function deleteSnapshot(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { uuid, name } = snapshotArguments(args, "delete-snapshot");
  await withConfigLock(host.lab, uuid, async () => {
    const vm = await knownVm(host, uuid);
    checkName(name);
    if (!hasSnapshot(vm, name)) throw noSnapshot(name, uuid);
    await hit(host, "delete-snapshot.destroying");
    await asChild(() => host.datasets.destroy(datasetName(uuid, name)));
  });
  return { stderr: `Deleted snapshot ${name} for VM ${uuid}` };
}

/** No lock, as on the platform. Newer snapshots go, the zone is started again whatever it was before. */
export async function rollbackSnapshot(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { uuid, name } = snapshotArguments(args, "rollback-snapshot");
  const vm = await getVm(host, uuid);
  if (!vm) throw new VmError("bad statusCode: 404");
  checkName(name);
  if (!hasSnapshot(vm, name)) throw noSnapshot(name, uuid);
  await host.zones.halt(host.lab, uuid);
  await hit(host, "rollback-snapshot.halted");
  await asChild(() => host.datasets.rollback(datasetName(uuid, name), { recursive: true }));
  await hit(host, "rollback-snapshot.rolled-back");
  const restored = lookAt(host, uuid);
  if (restored) await startZone(host, restored);
  return { stderr: `Rolled back snapshot ${name} for VM ${uuid}` };
}

function snapshotArguments(args: readonly string[], command: string): { uuid: string; name: string } {
  const { words } = parseArguments(args, {});
  const uuid = uuidArgument(words, command);
  const name = words[1];
  if (name === undefined || words.length !== 2) throw new UsageError(`Wrong number of parameters to "${command}"`);
  return { uuid, name };
}

async function knownVm(host: VmHost, uuid: string): Promise<LabVm> {
  const vm = await getVm(host, uuid);
  if (!vm) throw new VmError(`VM ${uuid} not found`);
  return vm;
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new VmError("Invalid snapshot name");
}

function hasSnapshot(vm: LabVm, name: string): boolean {
  return ((vm["snapshots"] as readonly { name: string }[] | undefined) ?? []).some((entry) => entry.name === name);
}

function noSnapshot(name: string, uuid: string): VmError {
  return new VmError(`No snapshot named "${name}" for ${uuid}`);
}

function datasetName(uuid: string, name: string): string {
  return `zones/${uuid}@vmsnap-${name}`;
}
