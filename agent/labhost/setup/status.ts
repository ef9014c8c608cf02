// `zonelet-lab status`: for people.
import { openLab, type Lab } from "../lab.ts";
import { mountsWithin } from "../mounts.ts";
import { zoneRuntime } from "../runtime.ts";
import { grantedControllers, type Controller } from "../runtime/cgroups.ts";
import { readKeeper } from "../runtime/keeper.ts";
import { listZoneUuids, loadVm } from "../zone-store.ts";

const CAPS: Readonly<Record<Controller, string>> = {
  memory: "max_physical_memory, max_swap",
  cpu: "cpu_cap, cpu_shares",
  pids: "max_lwps",
};
/** Kept and shown by vmadm, without effect. */
const NOT_ENFORCED = "quota, tmpfs, zfs_io_priority, max_locked_memory, max_shm_memory, max_*_ids, firewall_enabled";

export function status(): Promise<number> {
  process.stdout.write(report(openLab()));
  return Promise.resolve(0);
}

function report(lab: Lab): string {
  const { config } = lab;
  const keeper = readKeeper(lab);
  const lines = [
    `lab host   ${lab.root}`,
    `server     ${config.serverUuid} (${config.hostname})`,
    `zones run  ${config.privilege === "root" ? "as root" : "in a user namespace; every user of a container is its root"}`,
    `roots      ${config.clones === "overlay" ? "overlay mounts" : "copies"}`,
    `network    ${keeper ? `held by process ${keeper.pid}` : "not needed yet"}; nic tags ${config.nicTags.join(", ")}`,
    "caps",
    ...Object.entries(grantedControllers()).map(([name, hierarchy]) => {
      const caps = CAPS[name as Controller].padEnd(30);
      return `  ${caps} ${hierarchy ? `applied (control groups version ${hierarchy.version})` : "not granted by this machine"}`;
    }),
  ];
  lines.push(`  stored, not enforced: ${NOT_ENFORCED}`);
  const zones = listZoneUuids(lab);
  lines.push(`zones      ${zones.length}`);
  for (const uuid of zones) {
    const { zoneState, pid, zoneid } = zoneRuntime(lab, uuid);
    const alias = loadVm(lab, uuid)?.["alias"];
    lines.push(
      `  ${uuid}  ${zoneState}${pid === undefined ? "" : `, zone id ${zoneid ?? "-"}, init ${pid}`}${typeof alias === "string" ? `  ${alias}` : ""}`,
    );
  }
  const mounts = mountsWithin(lab.root).filter((path) => path !== lab.root);
  lines.push(`mounts     ${mounts.length}`, ...mounts.map((path) => `  ${path}`));
  return `${lines.join("\n")}\n`;
}
