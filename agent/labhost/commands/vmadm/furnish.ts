// What create writes into the new zone's dataset before anything runs in it (vmadm.md 3.1 step 9).
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, unlinkSync, writeFileSync, existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { copyTree } from "../../datasets/trees.ts";
import { markProvisioning, zoneFiles } from "../../provisioning-file.ts";
import { InRootError, type ZoneFiles } from "../../runtime/in-root.ts";
import { changeMetadata, changeZoneConfig, loadVm, writeConfigFile } from "../../zone-store.ts";
import { hostFileMounts, hostFiles, type HostFiles } from "../../vm/host-files.ts";
import type { Payload } from "../../vm/json-text.ts";
import { isOrdinary, isVolume } from "../../vm/filesystem-source.ts";
import { storedFilesystem, type Filesystem } from "../../vm/zone-config.ts";
import { VmError } from "../../vm/vm-error.ts";
import { asChild } from "./child-failure.ts";
import type { VmHost } from "./host.ts";

/** Ends with the file that something in the zone has to move. Raises VmError where the image leaves no room for this. */
export function furnishZone(host: VmHost, uuid: string, payload: Payload): Promise<void> {
  return asChild(() => furnish(host, uuid, payload));
}

async function furnish(host: VmHost, uuid: string, payload: Payload): Promise<void> {
  const zone = { zonepath: `/zones/${uuid}` };
  const zonepath = host.lab.path(zone.zonepath);
  const files = zoneFiles(host.lab, `/zones/${uuid}`);
  rmSync(join(zonepath, "config"), { recursive: true, force: true }); // one that came with the image
  mkdirSync(join(zonepath, "config"), { mode: 0o755 });
  if (files.resolve("/tmp", { followLast: false }).stats === undefined) files.makeDirectories("/tmp", 0o1777);
  const mounts: Filesystem[] = [];
  const hostVolumes: Payload = {};
  if (payload["docker"] === true) mounts.push(...(await addHostFiles(host, files, uuid, payload)));
  for (const filesystem of (payload["filesystems"] as readonly Payload[] | undefined) ?? [])
    if (isOrdinary(filesystem)) makeMountPoint(host, files, filesystem);
    else if (isVolume(filesystem)) mounts.push(await createVolume(host, files, uuid, filesystem));
    else mounts.push(hostVolume(uuid, filesystem, hostVolumes));
  if (mounts.length > 0)
    await changeZoneConfig(host.lab, uuid, (config) => ({
      ...config,
      filesystems: [...config.filesystems, ...mounts],
    }));
  await changeMetadata(host.lab, zone, () => ({
    internal_metadata: {
      ...((payload["internal_metadata"] ?? {}) as Payload),
      ...(Object.keys(hostVolumes).length > 0 && { "docker:hostvolumes": JSON.stringify(hostVolumes) }),
    },
    customer_metadata: (payload["customer_metadata"] ?? {}) as Payload,
  }));
  await writeConfigFile(host.lab, zone, "tags.json", (payload["tags"] ?? {}) as Payload);
  await writeConfigFile(host.lab, zone, "routes.json", (payload["routes"] ?? {}) as Payload);
  markProvisioning(files);
}

/** The three files, and the empty targets they are mounted on (dockerinit.md 3.1). */
async function addHostFiles(host: VmHost, files: ZoneFiles, uuid: string, payload: Payload): Promise<Filesystem[]> {
  const zonepath = `/zones/${uuid}`;
  const metadata = (payload["internal_metadata"] ?? {}) as Payload;
  const mounts = hostFileMounts(String(payload["brand"]), metadata);
  await writeHostFiles(host, { ...payload, uuid, zonepath });
  for (const { target } of mounts) makeFileTarget(files, target, zonepath);
  return mounts.map(({ file, target }) => ({
    source: `${zonepath}/config/${file}`,
    target,
    type: "lofs",
    options: ["rw"],
  }));
}

/** Contents only, as reprovision and an update of link or extra hosts do it. */
export async function writeHostFiles(host: VmHost, vm: Payload & { readonly zonepath: string }): Promise<void> {
  const contents: HostFiles = hostFiles(vm);
  for (const name of ["hosts", "hostname", "resolv.conf"] as const)
    await writeConfigFile(host.lab, vm, name, contents[name]);
}

/** Again for a root that was replaced. */
export function makeHostFileTargets(host: VmHost, uuid: string): void {
  const vm = loadVm(host.lab, uuid, { runtime: host.zones.read });
  if (vm?.["docker"] !== true) return;
  const mounts = hostFileMounts(String(vm["brand"]), (vm["internal_metadata"] ?? {}) as Payload);
  for (const { target } of mounts) makeFileTarget(zoneFiles(host.lab, `/zones/${uuid}`), target, vm.zonepath);
}

function makeFileTarget(files: ZoneFiles, target: string, zonepath: string): void {
  files.makeDirectories(dirname(target), 0o755);
  const at = files.resolve(target, { followLast: false });
  if (at.stats?.isSymbolicLink() === true) unlinkSync(at.onHost);
  else if (at.stats?.isFile() === true) return;
  else if (at.stats) throw new VmError(`${zonepath}/root${at.inZone} is not a file`);
  writeFileSync(at.onHost, "", { mode: 0o644, flag: "wx" });
}

/** zoneadmd makes missing mount points at boot; made here, the zone's root shows them at once. */
function makeMountPoint(host: VmHost, files: ZoneFiles, filesystem: Payload): void {
  const target = String(filesystem["target"]);
  const source = host.lab.path(String(filesystem["source"]));
  try {
    if (existsSync(source) && statSync(source).isFile()) {
      files.makeDirectories(dirname(target), 0o755);
      const at = files.resolve(target);
      if (!at.stats) writeFileSync(at.onHost, "", { flag: "wx" });
    } else files.makeDirectories(target, 0o755);
  } catch (error) {
    if (!(error instanceof InRootError)) throw error; // An impossible target is found at boot, as on the platform.
  }
}

/** A dataset of the zone's own with the image's files of that place in it. */
async function createVolume(host: VmHost, files: ZoneFiles, uuid: string, filesystem: Payload): Promise<Filesystem> {
  const given = String(filesystem["source"]);
  const volume = given === "create-volume" ? randomUUID() : given;
  const parent = `zones/${uuid}/volumes`;
  if (!(await host.datasets.get(parent))) await host.datasets.create(parent);
  await host.datasets.create(`${parent}/${volume}`);
  const source = `/${parent}/${volume}`;
  const target = String(filesystem["target"]);
  files.makeDirectories(target, 0o755);
  await copyTree(host.lab, files.resolve(target).onHost, host.lab.path(source));
  return storedFilesystem({ ...filesystem, source });
}

/** http(s) sources are fetched by start into hostvolumes/; the lab fetches nothing, so such a zone does not boot. */
function hostVolume(uuid: string, filesystem: Payload, hostVolumes: Payload): Filesystem {
  hostVolumes[String(filesystem["target"])] = { url: filesystem["source"] };
  return storedFilesystem({ ...filesystem, source: `/zones/${uuid}/hostvolumes/${randomUUID()}` });
}
