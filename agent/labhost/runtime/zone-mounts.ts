// The zone's `filesystems` (lofs) checked and translated to paths of the machine (vmadm.md 8.3).
import { existsSync, lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Lab } from "../lab.ts";
import { mountsWithin } from "../mounts.ts";
import type { LabVm } from "../lab-vm.ts";
import { ZoneFiles, type ZoneMount } from "./in-root.ts";

export interface LofsMount extends ZoneMount {
  readonly targetOnHost: string;
  readonly readOnly: boolean;
}

/**
 * Sources lie below the lab's root; a missing target is made. Throws with the text zoneadm would print for a source that
 * is not there.
 */
export function planMounts(lab: Lab, vm: LabVm, root: string): LofsMount[] {
  const mounts: LofsMount[] = [];
  const filesystems = Array.isArray(vm["filesystems"])
    ? (vm["filesystems"] as Readonly<Record<string, unknown>>[])
    : [];
  for (const filesystem of filesystems) {
    const source = String(filesystem["source"]);
    const target = String(filesystem["target"]);
    const onHost = lab.path(source);
    if (!existsSync(onHost))
      throw new Error(`zone '${vm.uuid}': mount of "${source}" on "${target}" failed: No such file or directory`);
    const files = new ZoneFiles(root, mounts);
    const resolved = ensureTarget(files, target, statSync(onHost).isDirectory());
    const options = Array.isArray(filesystem["options"]) ? (filesystem["options"] as unknown[]) : [];
    mounts.push({
      source: onHost,
      target: resolved.inZone,
      targetOnHost: resolved.onRoot,
      readOnly: options.includes("ro"),
    });
  }
  return mounts;
}

/** Mount points of the brand's own file systems. A tenant's link in their place would lead the mounts out of the root. */
export function ensureSystemDirectories(root: string): void {
  for (const name of ["dev", "native", "proc", "sys"]) {
    const path = join(root, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) continue;
    rmSync(path, { force: true });
    mkdirSync(path, { mode: 0o755 });
  }
}

function ensureTarget(files: ZoneFiles, target: string, directory: boolean): { inZone: string; onRoot: string } {
  if (directory) return place(files, files.makeDirectories(target, 0o755).inZone);
  files.makeDirectories(dirname(target), 0o755);
  const found = files.resolve(target);
  if (found.stats === undefined) {
    mkdirSync(dirname(found.onHost), { recursive: true });
    writeFileSync(found.onHost, "", { flag: "wx", mode: 0o644 });
  }
  return place(files, found.inZone);
}

/** A mount goes onto the path below the root, through whatever is mounted there by then. */
function place(files: ZoneFiles, inZone: string): { inZone: string; onRoot: string } {
  return { inZone, onRoot: files.belowRoot(inZone) };
}

/** Mount points below the lab's pool that belong to other datasets than the one at `own`; the latest first. */
export function otherMounts(lab: Lab, own: string): string[] {
  const pool = lab.path("/zones");
  return mountsWithin(pool)
    .filter((path) => path !== pool && path !== own && !path.startsWith(`${own}/`))
    .reverse();
}
