// update (vmadm.md 3.11), under the zone's config lock from beginning to end.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabVm } from "../../lab-vm.ts";
import { changeMetadata, changeZoneConfig, withConfigLock, writeConfigFile } from "../../zone-store.ts";
import { parsePayload, type Payload } from "../../vm/json-text.ts";
import { checkConflicts, checkNicTags } from "../../vm/nics.ts";
import { applyObjectChange, planUpdate, type UpdatePlan } from "../../vm/update-plan.ts";
import { storedProperties } from "../../vm/zone-config.ts";
import { firstOf, UsageError, VmError } from "../../vm/vm-error.ts";
import { asChild } from "./child-failure.ts";
import { otherVms } from "./create.ts";
import { writeHostFiles } from "./furnish.ts";
import { getVm, hit, lookAt, payloadWorld, type Outcome, type VmHost } from "./host.ts";
import { setIndestructible } from "./indestructible.ts";
import { FILE_OPTION, parseArguments, payloadText, uuidArgument } from "./options.ts";

const VMINFOD_WAIT_MS = 60_000;
/** Resource controls that reach a running zone at once. */
const CAPS = ["max_physical_memory", "max_swap", "max_lwps", "cpu_cap", "cpu_shares"];

export async function update(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, FILE_OPTION);
  const uuid = uuidArgument(words, "update");
  const payload =
    words.length > 1
      ? payloadOfArguments(words.slice(1))
      : parsePayload(await payloadText(host, options["file"], "Will not update from stdin when stdin is a tty."));
  await hit(host, "update.parsed");
  await withConfigLock(host.lab, uuid, () => updateZone(host, uuid, payload));
  return { stderr: `Successfully updated VM ${uuid}` };
}

/** `k=v`: everything is text; what a key wants it to be is settled with the payload. */
function payloadOfArguments(words: readonly string[]): Payload {
  const payload: Payload = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals <= 0) throw new UsageError(`Invalid argument to update: ${word}`); // wording assumed after start's
    payload[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return payload;
}

async function updateZone(host: VmHost, uuid: string, payload: Payload): Promise<void> {
  const vm = await getVm(host, uuid);
  if (!vm) throw new VmError(`VM ${uuid} not found`);
  const plan = planUpdate(vm, payload, await payloadWorld(host), randomUUID);
  if (plan.nics) {
    checkConflicts(plan.nics.claims, otherVms(host));
    checkNicTags(plan.nics.tagged, host.lab.config.nicTags);
  }
  await hit(host, "update.planned");
  await applyPlan(host, vm, plan);
  await hit(host, "update.applied");
  if (plan.stuck.length > 0) {
    await sleep(Number(host.env["LABHOST_VMINFOD_WAIT_MS"] ?? VMINFOD_WAIT_MS));
    throw firstOf(new VmError(`vminfod watchForChanges "VM.js update (${uuid})" timeout exceeded`));
  }
}

async function applyPlan(host: VmHost, vm: LabVm, plan: UpdatePlan): Promise<void> {
  const { lab } = host;
  const { uuid } = vm;
  const internal = applyObjectChange(vm["internal_metadata"] as Payload, plan.internalMetadata);
  const customer = applyObjectChange(vm["customer_metadata"] as Payload, plan.customerMetadata);
  if (changed(internal, vm["internal_metadata"]) || changed(customer, vm["customer_metadata"]))
    await changeMetadata(lab, vm, () => ({ internal_metadata: internal, customer_metadata: customer }));
  const tags = applyObjectChange(vm["tags"] as Payload, plan.tags);
  if (changed(tags, vm["tags"])) await writeConfigFile(lab, vm, "tags.json", tags);
  const routes = applyObjectChange(vm["routes"] as Payload, plan.routes);
  if (changed(routes, vm["routes"])) await writeConfigFile(lab, vm, "routes.json", routes);
  await changeZoneConfig(lab, uuid, (config) => ({
    ...config,
    properties: storedProperties({ ...config.properties, ...plan.properties }),
    nics: plan.nics?.nics ?? config.nics,
    filesystems: plan.filesystems ?? config.filesystems,
  }));
  await asChild(async () => {
    for (const [property, value] of Object.entries(plan.datasetProperties))
      await host.datasets.set(`zones/${uuid}`, property, value);
    for (const [property, value] of Object.entries(plan.dataProperties))
      await host.datasets.set(`zones/${uuid}/data`, property, value);
    await setIndestructible(host, uuid, plan.indestructible);
  });
  if (vm["zone_state"] === "running" && CAPS.some((key) => plan.properties[key] !== undefined)) {
    const after = lookAt(host, uuid);
    if (after) host.zones.applyCaps(lab, after);
  }
  if (plan.rewriteHostFiles) await writeHostFiles(host, { ...vm, internal_metadata: internal });
}

function changed(after: Payload, before: unknown): boolean {
  return JSON.stringify(after) !== JSON.stringify(before);
}
