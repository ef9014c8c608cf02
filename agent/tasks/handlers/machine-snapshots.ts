// machine_create_snapshot, _rollback_snapshot, _delete_snapshot (amqp-head-node.md 10.1)
import type { z } from "zod";
import { hasCode } from "../../errors/agent-error.ts";
import { snapshotName } from "../../vmadm/schema.ts";
import { snapshotNames } from "../../zones/observe.ts";
import { defineTask, type Task } from "../task.ts";
import { servicesOf, type TaskServices } from "./services.ts";
import { needContainer, runOf, zoneInput, zoneOutput, zoneView } from "./zone-view.ts";

const snapshotInput = zoneInput.extend({ snapshot_name: snapshotName.describe("1 to 64 letters, digits and -_.:%") });

export function machineSnapshotTasks(services: TaskServices): readonly Task[] {
  const common = {
    class: "machine_tasks",
    deadlineS: 600,
    mutates: true,
    zone: ({ uuid }: z.output<typeof snapshotInput>) => uuid,
    input: snapshotInput,
    output: zoneOutput,
  } as const;

  return [
    defineTask({
      ...common,
      name: "machine_create_snapshot",
      summary: "keeps the state of its root",
      run: async ({ uuid, snapshot_name: name }, context) => {
        const { vmadm, snapshots } = servicesOf(services, context);
        const vm = await needContainer(vmadm, uuid, context);
        if (!snapshotNames(vm).includes(name)) await context.note({ absent: true });
        await snapshots.create(vm, name, { signal: context.signal });
        return { vm: zoneView(await needContainer(vmadm, uuid, context)) };
      },
      observe: async ({ uuid, snapshot_name: name }, { signal, facts }) => {
        const vm = await services.vmadm.get(uuid, { signal });
        return vm && facts["absent"] === true && snapshotNames(vm).includes(name)
          ? { found: "done", result: { vm: zoneView(vm) } }
          : { found: "undone" };
      },
    }),
    defineTask({
      ...common,
      name: "machine_delete_snapshot",
      summary: "deletes a snapshot; an absent one is success",
      run: async ({ uuid, snapshot_name: name }, context) => {
        const { vmadm, snapshots } = servicesOf(services, context);
        try {
          await snapshots.remove(await needContainer(vmadm, uuid, context), name, { signal: context.signal });
        } catch (error) {
          if (!hasCode(error, "SNAPSHOT_NOT_FOUND")) throw error;
        }
        return { vm: zoneView(await needContainer(vmadm, uuid, context)) };
      },
      observe: async ({ uuid, snapshot_name: name }, { signal }) => {
        const vm = await services.vmadm.get(uuid, { signal });
        return vm && !snapshotNames(vm).includes(name)
          ? { found: "done", result: { vm: zoneView(vm) } }
          : { found: "undone" };
      },
    }),
    defineTask({
      ...common,
      name: "machine_rollback_snapshot",
      summary: "goes back to a snapshot: newer ones are deleted, it is stopped hard and started again",
      run: async ({ uuid, snapshot_name: name }, context) => {
        const { vmadm, snapshots } = servicesOf(services, context);
        const vm = await needContainer(vmadm, uuid, context);
        await context.note({ run: runOf(vm), ...context.facts });
        await snapshots.rollback(vm, name, { signal: context.signal });
        return { vm: zoneView(await needContainer(vmadm, uuid, context)) };
      },
      // Stopped half-way nothing was written since: going back once more loses nothing.
      observe: async ({ uuid }, { signal, facts }) => {
        const vm = await services.vmadm.get(uuid, { signal });
        if (!vm || facts["run"] === undefined || facts["run"] === runOf(vm)) return { found: "undone" };
        return vm.state === "running" ? { found: "done", result: { vm: zoneView(vm) } } : { found: "undone" };
      },
    }),
  ];
}
