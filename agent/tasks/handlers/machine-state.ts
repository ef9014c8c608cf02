// machine_load, _boot, _shutdown, _reboot, _kill, _destroy (amqp-head-node.md 10.1)
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { defineTask, type Task } from "../task.ts";
import { servicesOf, type TaskServices } from "./services.ts";
import { needContainer, runOf, zoneInput, zoneOutput, zoneView } from "./zone-view.ts";

const timeout = z
  .union([z.int(), z.string().regex(/^\d+$/, "must be a number of seconds").transform(Number)])
  .pipe(z.int().min(0).max(3600))
  .describe("seconds to end by itself before it is killed");

export function machineStateTasks(services: TaskServices): readonly Task[] {
  const zone = ({ uuid }: z.output<typeof zoneInput>) => uuid;
  const state = { class: "machine_tasks", deadlineS: 600, mutates: true, zone } as const;

  return [
    defineTask({
      name: "machine_load",
      summary: "the zone as vmadm shows it, values of its metadata withheld",
      class: "machine_query",
      deadlineS: 60,
      mutates: false,
      zone,
      input: zoneInput,
      output: zoneOutput.shape.vm,
      run: async ({ uuid }, context) => zoneView(await needAny(uuid, context)),
      observe: () => Promise.resolve({ found: "undone" }),
    }),
    defineTask({
      ...state,
      name: "machine_boot",
      summary: "starts it; a running one is left alone",
      input: zoneInput,
      output: zoneOutput,
      run: async ({ uuid }, context) => {
        const { vmadm, containers } = servicesOf(services, context);
        const before = await needContainer(vmadm, uuid, context);
        if (before.state !== "running") {
          await context.note({ run: runOf(before) });
          await containers.start(uuid, { signal: context.signal });
        }
        return { vm: zoneView(await needContainer(vmadm, uuid, context)) };
      },
      // A run that has ended meanwhile was one, too.
      observe: async ({ uuid }, { signal, facts }) => {
        const vm = await services.vmadm.get(uuid, { signal });
        const ran = vm !== undefined && facts["run"] !== undefined && facts["run"] !== runOf(vm);
        return vm && (vm.state === "running" || ran)
          ? { found: "done", result: { vm: zoneView(vm) } }
          : { found: "undone" };
      },
    }),
    defineTask({
      ...state,
      name: "machine_shutdown",
      summary: "asks it to end, kills it after a time; a stopped one is left alone",
      input: zoneInput.extend({ timeout: timeout.optional() }),
      output: zoneOutput,
      run: async ({ uuid, timeout: timeoutS }, context) => {
        const { vmadm, containers } = servicesOf(services, context);
        await needContainer(vmadm, uuid, context);
        await containers.stop(uuid, { signal: context.signal, timeoutS });
        return { vm: zoneView(await needContainer(vmadm, uuid, context)) };
      },
      observe: async ({ uuid }, { signal }) => {
        const vm = await services.vmadm.get(uuid, { signal });
        return vm?.state === "stopped" && vm.autoboot !== true
          ? { found: "done", result: { vm: zoneView(vm) } }
          : { found: "undone" };
      },
    }),
    defineTask({
      ...state,
      name: "machine_reboot",
      summary: "stops and starts it; a stopped one is started",
      input: zoneInput.extend({ timeout: timeout.optional() }),
      output: zoneOutput,
      run: async ({ uuid, timeout: timeoutS }, context) => {
        const { vmadm, containers } = servicesOf(services, context);
        await context.note({ run: runOf(await needContainer(vmadm, uuid, context)), ...context.facts });
        await containers.restart(uuid, { signal: context.signal, timeoutS });
        return { vm: zoneView(await needContainer(vmadm, uuid, context)) };
      },
      // Stopped and not started again is half of it: the rest is done by running once more.
      observe: async ({ uuid }, { signal, facts }) => {
        const vm = await services.vmadm.get(uuid, { signal });
        return vm?.state === "running" && facts["run"] !== undefined && facts["run"] !== runOf(vm)
          ? { found: "done", result: { vm: zoneView(vm) } }
          : { found: "undone" };
      },
    }),
    defineTask({
      ...state,
      name: "machine_kill",
      summary: "sends its first process a signal, KILL unless another is named; does not wait for other tasks",
      jumps: true,
      deadlineS: 60,
      input: zoneInput.extend({
        signal: z
          .union([z.string(), z.int().transform(String)])
          .default("KILL")
          .describe("name or Linux number"),
      }),
      output: zoneOutput,
      run: async ({ uuid, signal }, context) => {
        const { vmadm, containers } = servicesOf(services, context);
        await context.note({ run: runOf(await needContainer(vmadm, uuid, context)) });
        await containers.kill(uuid, signal, { signal: context.signal });
        return { vm: zoneView(await needContainer(vmadm, uuid, context)) };
      },
      // A signal leaves no trace in a zone that goes on: sent twice it could do harm, so nobody guesses.
      observe: async ({ uuid }, { signal, facts }) => {
        const vm = await services.vmadm.get(uuid, { signal });
        if (facts["run"] === undefined || !vm) return { found: "undone" };
        return facts["run"] === runOf(vm)
          ? { found: "unclear", what: `the zone is ${vm.state} as before; whether it got the signal nobody can tell` }
          : { found: "done", result: { vm: zoneView(vm) } };
      },
    }),
    defineTask({
      ...state,
      name: "machine_destroy",
      summary: "deletes it, running or not; an absent one is success",
      input: zoneInput,
      output: z.object({}),
      run: async ({ uuid }, context) => {
        const { vmadm, containers } = servicesOf(services, context);
        if ((await vmadm.get(uuid, { signal: context.signal })) === undefined) return {};
        await needContainer(vmadm, uuid, context);
        await containers.remove(uuid, { signal: context.signal, force: true });
        return {};
      },
      observe: async ({ uuid }, { signal }) =>
        (await services.vmadm.get(uuid, { signal })) === undefined
          ? { found: "done", result: {} }
          : { found: "undone" },
    }),
  ];

  async function needAny(uuid: z.output<typeof zoneInput>["uuid"], { signal }: { readonly signal: AbortSignal }) {
    const vm = await services.vmadm.get(uuid, { signal });
    if (vm) return vm;
    throw new AgentError("ZONE_NOT_FOUND", `no zone ${uuid} on this node`);
  }
}
