// delete
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import type { SpecDocument } from "../spec/read.ts";
import { newZoneUuid, type ContainerName } from "../util/ids.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import { groupOf } from "../zones/groups.ts";
import { requestDigest } from "../zones/launch.ts";
import { isOurs } from "../zones/observe.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { addFileOptions, readDeclaredFiles, type FileOptions } from "./declared-files.ts";
import { raiseAll } from "./declared.ts";
import { planFor, type Plan } from "./plan.ts";

export function addDeleteCommand(program: Command, context: CliContext): void {
  addFileOptions(program.command("delete"))
    .description("stop and remove the containers files declare, the last one first; named volumes stay")
    .action((options: FileOptions) => deleteDeclared(context, options));
}

/** One that is not there is no error, so a killed delete is finished by the same command. */
async function deleteDeclared(context: CliContext, options: FileOptions): Promise<void> {
  const { containers, groups } = context.agent();
  const verbOptions = { signal: context.interrupts.signal, onWait: waitNotice(context) };
  const documents = await readDeclaredFiles(context, options);
  const zones = await containers.list(verbOptions);
  const records = await containers.records();
  const found: { readonly name: ContainerName; readonly vm: VmObject | undefined; readonly begun: boolean }[] = [];
  const problems: AgentError[] = [];
  for (const document of documents) {
    const plan = planFor(context, document, { pull: "never", quiet: true, autoRemove: false });
    const { name } = plan;
    const vm = zones.find((zone) => zone.alias === name);
    // Of a create that was killed there may be a record only.
    found.push({ name, vm, begun: records.some((record) => record.name === name) });
    if (vm !== undefined && !(await isMadeFrom(document, plan, vm)))
      problems.push(
        new AgentError("APPLY_REFUSED", `container "${name}" was not made from ${document.source.name}`, {
          hint: `to remove it all the same: zonelet rm -f ${name}`,
        }),
      );
  }
  raiseAll(problems);
  for (const { name, vm, begun } of found.toReversed()) {
    if (vm?.state === "running") await containers.stop(vm.uuid, verbOptions);
    if (vm !== undefined || begun) await groups.remove(name, { ...verbOptions, force: true });
    await context.output.out(`${name} ${vm !== undefined || begun ? "deleted" : "not there"}\n`);
  }
}

/**
 * By `apply`, in the document's group, or by a `run` of just this. What a document says today may be another thing than
 * what it said when its container was made, so one that is marked needs not be the same.
 */
async function isMadeFrom(document: SpecDocument, plan: Plan, vm: VmObject): Promise<boolean> {
  if (!isOurs(vm)) return false;
  const group = document.format === "container" ? document.converted?.group?.name : undefined;
  if (groupOf(vm) !== group) return false;
  if (group !== undefined || vm.internal_metadata[MARK_KEYS.owner] === "apply") return true;
  try {
    const prepared = plan.prepare(await plan.image(), newZoneUuid());
    return vm.internal_metadata[MARK_KEYS.digest] === requestDigest(prepared);
  } catch (error) {
    // Without its image nobody can tell.
    if (error instanceof AgentError && error.code === "IMAGE_NOT_FOUND") return false;
    throw error;
  }
}
