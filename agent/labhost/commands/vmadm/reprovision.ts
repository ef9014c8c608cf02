// reprovision (vmadm.md 3.14): the zone's root is replaced by a clone of another image; config/ and the exit record stay.
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stagingPath } from "../../datasets/trees.ts";
import type { LabVm } from "../../lab-vm.ts";
import { changeZoneConfig } from "../../zone-store.ts";
import { parsePayload, without } from "../../vm/json-text.ts";
import { brandFeatures } from "../../vm/properties.ts";
import type { Filesystem } from "../../vm/zone-config.ts";
import { VmError } from "../../vm/vm-error.ts";
import { markProvisioning, zoneFiles } from "../../provisioning-file.ts";
import { asChild } from "./child-failure.ts";
import { makeHostFileTargets, writeHostFiles } from "./furnish.ts";
import { getVm, hit, lookAt, payloadWorld, type Outcome, type VmHost } from "./host.ts";
import { FILE_OPTION, parseArguments, payloadText, uuidArgument } from "./options.ts";
import { awaitProvisioning, provisioningDeadlineMs } from "./provisioning.ts";
import { startZone } from "./start.ts";

/** What survives of the old dataset, next to root. */
const KEPT = ["config", "lastexited", "lastbooted", "logs"];

export async function reprovision(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, FILE_OPTION);
  const uuid = uuidArgument(words, "reprovision");
  const tty = "Will not take payload from stdin when stdin is a tty.";
  const payload = parsePayload(await payloadText(host, options["file"], tty));
  try {
    await reprovisionZone(host, uuid, payload["image_uuid"]);
  } catch (error) {
    throw error instanceof VmError ? error.prefixed(`Failed to reprovision VM ${uuid}: `) : error;
  }
  return { stderr: `Successfully reprovisioned VM ${uuid}` };
}

async function reprovisionZone(host: VmHost, uuid: string, image: unknown): Promise<void> {
  const vm = await getVm(host, uuid);
  if (!vm) throw new VmError(`VM ${uuid} not found`);
  if (typeof image !== "string" || image === "") throw new VmError("payload is missing image_uuid");
  if (vm["indestructible_zoneroot"] === true) throw new VmError("indestructible_zoneroot is set, cannot reprovision");
  const brand = String(vm["brand"]);
  const features = brandFeatures(brand);
  if (features?.reprovision !== true) throw new VmError(`brand "${brand}" does not yet support reprovision`);
  const type = (await payloadWorld(host)).imageType(image);
  if (type === undefined) throw new VmError(`cannot find 'manifest' for image ${image}`);
  if (!features.imageTypes.includes(type))
    throw new VmError(`image ${image} is type ${type}, but must be one of: ${JSON.stringify(features.imageTypes)}`);
  await host.zones.halt(host.lab, uuid);
  await hit(host, "reprovision.halted");
  const deadline = Date.now() + provisioningDeadlineMs(host.env);
  await replaceRoot(host, vm, image);
  await hit(host, "reprovision.replaced");
  await restart(host, uuid, image, deadline);
}

async function replaceRoot(host: VmHost, vm: LabVm, image: string): Promise<void> {
  const name = `zones/${vm.uuid}`;
  const zonepath = host.lab.path(vm.zonepath);
  const properties = (await host.datasets.get(name))?.properties ?? {};
  const aside = await stagingPath(host.lab);
  mkdirSync(aside);
  try {
    copyKept(zonepath, aside);
    await asChild(async () => {
      await host.datasets.destroy(name, { recursive: true });
      await host.datasets.clone(`zones/${image}@final`, name, properties);
    });
    rmSync(join(zonepath, "config"), { recursive: true, force: true });
    copyKept(aside, zonepath);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function copyKept(from: string, to: string): void {
  for (const name of KEPT)
    if (existsSync(join(from, name)))
      cpSync(join(from, name), join(to, name), { recursive: true, preserveTimestamps: true });
}

/** Created volumes are gone with the old dataset; their mounts go, too, or the zone would not boot. */
async function restart(host: VmHost, uuid: string, image: string, deadline: number): Promise<void> {
  await asChild(() => {
    markProvisioning(zoneFiles(host.lab, `/zones/${uuid}`));
    makeHostFileTargets(host, uuid);
  });
  const volumes = `/zones/${uuid}/volumes/`;
  await changeZoneConfig(host.lab, uuid, (config) => ({
    ...config,
    properties: { ...config.properties, image_uuid: image },
    filesystems: config.filesystems.filter((filesystem: Filesystem) => !filesystem.source.startsWith(volumes)),
    transition: `provisioning:running:${deadline}`,
  }));
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError(`VM ${uuid} not found`);
  if (vm["docker"] === true) await writeHostFiles(host, vm);
  await startZone(host, vm);
  await awaitProvisioning(host, uuid, deadline);
  await changeZoneConfig(host.lab, uuid, (config) => without(without(config, "transition"), "failed"));
}
