// archive_on_delete (vmadm.md 8.4; dockerinit.md 6.4): what is left to read of a zone, in /zones/archive/<uuid>.
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zoneFiles } from "../../provisioning-file.ts";
import type { LabVm } from "../../lab-vm.ts";
import type { VmHost } from "./host.ts";

const ARCHIVE = "zones/archive";

/** Needs the dataset zones/archive. Whatever goes wrong, the delete goes on. */
export async function archiveZone(host: VmHost, vm: LabVm): Promise<void> {
  if (!(await host.datasets.get(ARCHIVE))) return;
  try {
    copyRemains(host, vm);
  } catch {
    // Archiving never blocks a delete; vmadm only logs it.
  }
}

function copyRemains({ lab }: VmHost, vm: LabVm): void {
  const zonepath = lab.path(vm.zonepath);
  const archive = join(lab.path(`/${ARCHIVE}`), vm.uuid);
  mkdirSync(archive, { recursive: true, mode: 0o700 });
  writeFileSync(join(archive, "vm.json"), `${JSON.stringify(vm, null, 2)}\n`, { mode: 0o600 });
  copy(lab.path(`/etc/zones/${vm.uuid}.json`), join(archive, "zone.json"));
  for (const directory of ["config", "cores"]) copy(join(zonepath, directory), join(archive, directory));
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  for (const name of listFiles(join(zonepath, "logs"))) {
    const target = name === "stdio.log" ? `stdio.log.${now}` : name;
    const kind = name.startsWith("stdio.log") ? "docker" : "platform";
    copy(join(zonepath, "logs", name), join(archive, kind, target));
  }
  const bootLog = zoneFiles(lab, vm.zonepath).readText("/var/log/sdc-dockerinit.log");
  if (bootLog === undefined) return;
  mkdirSync(join(archive, "docker"), { recursive: true });
  writeFileSync(join(archive, "docker/sdc-dockerinit.log"), bootLog, { mode: 0o600 });
}

/** Links are copied as links: a tenant's must not bring a file of the node into the archive. */
function copy(source: string, target: string): void {
  if (existsSync(source)) cpSync(source, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

function listFiles(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
