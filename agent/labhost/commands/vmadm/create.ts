// create (vmadm.md 3.1): numbered steps, nothing rolled back; the caller deletes what a failure leaves.
import { randomUUID } from "node:crypto";
import type { LabVm } from "../../lab-vm.ts";
import { addZoneConfig, changeZoneConfig, listZoneUuids, readZoneConfig } from "../../zone-store.ts";
import { normalizeCreatePayload } from "../../vm/create-payload.ts";
import { dockerLogMode } from "../../vm/docker.ts";
import { parsePayload, without, type Payload } from "../../vm/json-text.ts";
import { checkConflicts, checkNicTags, placeNics, randomMac, vrrpMac, type Nic } from "../../vm/nics.ts";
import { brandFeatures } from "../../vm/properties.ts";
import { dataDatasetProperties, rootDatasetProperties } from "../../vm/zfs-values.ts";
import { isOrdinary } from "../../vm/filesystem-source.ts";
import { storedFilesystem, storedProperties, type ZoneConfig } from "../../vm/zone-config.ts";
import { VmError } from "../../vm/vm-error.ts";
import { asChild } from "./child-failure.ts";
import { hit, lookAt, payloadWorld, type Outcome, type VmHost } from "./host.ts";
import { FILE_OPTION, parseArguments, payloadText } from "./options.ts";
import { furnishZone } from "./furnish.ts";
import { setIndestructible } from "./indestructible.ts";
import { awaitProvisioning, provisioningDeadlineMs } from "./provisioning.ts";
import { startZone } from "./start.ts";

export async function create(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options } = parseArguments(args, FILE_OPTION);
  const text = await payloadText(host, options["file"], "Will not create from stdin when stdin is a tty.");
  const input = parsePayload(text);
  await hit(host, "create.parsed");
  refuseKnownUuid(host, input["uuid"]);
  const payload = normalizeCreatePayload(input, await payloadWorld(host), randomUUID);
  const uuid = String(payload["uuid"]);
  payload["nics"] = newNics(host, payload);
  await refuseMissingDataset(host, payload);
  await hit(host, "create.validated");
  const deadline = Date.now() + provisioningDeadlineMs(host.env);
  await configure(host, payload, deadline);
  await hit(host, "create.configured");
  await install(host, payload);
  await hit(host, "create.installed");
  await furnishZone(host, uuid, payload);
  await changeZoneConfig(host.lab, uuid, (config) => without(config, "provisioning"));
  await hit(host, "create.finalized");
  if (payload["autoboot"] === true) await bootNewZone(host, uuid, payload, deadline);
  return { stderr: `Successfully created VM ${uuid}` };
}

function refuseKnownUuid(host: VmHost, uuid: unknown): void {
  if (typeof uuid === "string" && listZoneUuids(host.lab).includes(uuid))
    throw new VmError(`VM with UUID ${uuid} already exists`);
}

/** MACs, conflicts with other zones, nic tags, in that order. Kept apart from the pure checks: this looks at the node. */
function newNics(host: VmHost, payload: Payload): Nic[] {
  const given = (payload["nics"] as readonly Nic[] | undefined) ?? [];
  const nics = given.map((nic) => {
    const vrid = nic["vrrp_vrid"];
    return { ...nic, mac: nic["mac"] ?? (typeof vrid === "number" ? vrrpMac(vrid) : randomMac()) };
  });
  if (nics.length > 0) checkConflicts(nics, otherVms(host));
  checkNicTags(nics, host.lab.config.nicTags);
  return placeNics([], nics, brandFeatures(String(payload["brand"]))?.interfacePrefix ?? "net");
}

/** All zones as the conflict check sees them. */
export function otherVms(host: VmHost): { uuid: string; state: string; zoneState: string; nics: readonly Nic[] }[] {
  return listZoneUuids(host.lab)
    .flatMap((uuid) => lookAt(host, uuid) ?? [])
    .map((vm: LabVm) => ({
      uuid: vm.uuid,
      state: String(vm["state"]),
      zoneState: String(vm["zone_state"]),
      nics: (vm["nics"] as readonly Nic[] | undefined) ?? [],
    }));
}

async function refuseMissingDataset(host: VmHost, payload: Payload): Promise<void> {
  const features = brandFeatures(String(payload["brand"]));
  if (features?.hvm === true)
    throw new VmError("the lab host runs containers only: brands kvm and bhyve have no place here");
  const image = String(payload["image_uuid"]);
  const dataset = await host.datasets.get(`zones/${image}`);
  if (dataset?.mountpoint === undefined)
    throw new VmError(`provisioning dataset ${image} with brand ${String(payload["brand"])} is not supported`);
}

/** zonecfg: the zone exists from here on, marked as being provisioned. */
async function configure(host: VmHost, payload: Payload, deadline: number): Promise<void> {
  const uuid = String(payload["uuid"]);
  const log = payload["docker"] === true ? dockerLogMode((payload["internal_metadata"] ?? {}) as Payload) : undefined;
  const values = {
    ...payload,
    create_timestamp: new Date().toISOString(),
    ...(log && { zlog_mode: log.mode, app_svc_dependent: log.appSvcDependent }),
  };
  const filesystems = ((payload["filesystems"] as readonly Payload[] | undefined) ?? []).filter(isOrdinary);
  const config: Omit<ZoneConfig, "zonedid"> = {
    uuid,
    zonepath: `/zones/${uuid}`,
    installState: "configured",
    properties: storedProperties(values),
    nics: payload["nics"] as readonly Nic[],
    filesystems: filesystems.map(storedFilesystem),
    datasets: payload["delegate_dataset"] === true ? [`zones/${uuid}/data`] : [],
    provisioning: true,
    ...(payload["autoboot"] === true && { transition: `provisioning:running:${deadline}` }),
  };
  // The text zonecfg gives for a zone that exists by now is not determined (vmadm.md 17).
  if (!(await addZoneConfig(host.lab, config))) throw new VmError(`Command failed: ${uuid}: Zone already exists`);
}

/** `zoneadm install`: the zone's dataset is a clone of the image. */
async function install(host: VmHost, payload: Payload): Promise<void> {
  const uuid = String(payload["uuid"]);
  await changeZoneConfig(host.lab, uuid, (config) => ({ ...config, installState: "incomplete" }));
  const origin = `zones/${String(payload["image_uuid"])}@final`;
  await asChild(async () => {
    await host.datasets.clone(origin, `zones/${uuid}`, { devices: "off", ...rootDatasetProperties(payload) });
    if (payload["delegate_dataset"] === true)
      await host.datasets.create(`zones/${uuid}/data`, { zoned: "on", ...dataDatasetProperties(payload) });
    await setIndestructible(host, uuid, {
      ...(payload["indestructible_zoneroot"] === true && { zoneroot: true }),
      ...(payload["delegate_dataset"] === true && payload["indestructible_delegated"] === true && { delegated: true }),
    });
  });
  await changeZoneConfig(host.lab, uuid, (config) => ({ ...config, installState: "installed" }));
}

async function bootNewZone(host: VmHost, uuid: string, payload: Payload, deadline: number): Promise<void> {
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError(`VM ${uuid} not found`);
  await startZone(host, vm);
  if (payload["nowait"] !== true) await awaitProvisioning(host, uuid, deadline);
  if (readZoneConfig(host.lab, uuid)) await changeZoneConfig(host.lab, uuid, (config) => without(config, "transition"));
}
