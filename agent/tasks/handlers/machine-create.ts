// machine_create (amqp-head-node.md 9, 10.1): the same way as `zonelet run`, under a uuid that is written down first.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { readSpecs, type SpecDocument } from "../../spec/read.ts";
import { isContainerName, newZoneUuid, type ZoneUuid } from "../../util/ids.ts";
import { zoneUuid } from "../../vmadm/schema.ts";
import { planLaunch, type Plan } from "../../zones/plan-launch.ts";
import { randomName } from "../../spec/names.ts";
import { defineTask, type Task, type TaskContext } from "../task.ts";
import { servicesOf, type TaskServices } from "./services.ts";
import { needContainer, zoneOutput, zoneView } from "./zone-view.ts";

const document = z.record(z.string(), z.unknown());
const machineCreateInput = z
  .object({
    uuid: zoneUuid.optional().describe("of the new zone; default: a new one"),
    payload: document.optional().describe("a vmadm manifest"),
    spec: document.optional().describe("a ContainerSpec v1"),
    start: z.boolean().default(true).describe("boot it once it is made"),
  })
  .refine(({ payload, spec }) => (payload === undefined) !== (spec === undefined), 'give either "payload" or "spec"')
  .refine(
    ({ uuid, payload }) => uuid === undefined || payload?.["uuid"] === undefined || payload["uuid"] === uuid,
    "uuid and payload.uuid differ",
  );
type Input = z.output<typeof machineCreateInput>;

const noted = z.object({ zone: zoneUuid, name: z.string().refine(isContainerName) });

export function machineCreateTask(services: TaskServices): Task {
  return defineTask({
    name: "machine_create",
    summary: "makes a container of a vmadm manifest or a ContainerSpec, its image fetched first, and boots it",
    class: "machine_creation",
    deadlineS: 3600,
    mutates: true,
    secret: ["payload", "spec"],
    zone: givenUuid,
    input: machineCreateInput,
    output: zoneOutput,
    run: async (input, context) => {
      const { vmadm, containers } = servicesOf(services, context);
      const spec = documentOf(input);
      // Chosen once: a second attempt looks for the zone of the first.
      const chosen = noted.safeParse(context.facts);
      const { zone, name } = chosen.success
        ? chosen.data
        : { zone: givenUuid(input) ?? newZoneUuid(), name: nameOf(spec) };
      if (!chosen.success) await context.note({ zone, name });
      const plan = planOf(spec, name, context);
      const image = await context.step("ensure_image", 50, () => plan.image());
      await context.step("create_machine", 99, () =>
        containers.launch({
          name: plan.name,
          image: () => Promise.resolve(image),
          prepare: (runnable, _uuid, zones) => plan.prepare(runnable, zone, zones),
          snapshot: () => containers.list({ signal: context.signal }),
          want: input.start ? "running" : "stopped",
          attached: false,
          keepFailed: false,
          signal: context.signal,
        }),
      );
      return { vm: zoneView(await needContainer(vmadm, zone, context)) };
    },
    observe: async (input, context) => {
      const chosen = noted.safeParse(context.facts);
      if (!chosen.success) return { found: "undone" };
      const { zone } = chosen.data;
      const vm = await services.vmadm.get(zone, { signal: context.signal });
      // Absent: never made, or undone. `launch` settles what its own record tells before it makes anything.
      if (!vm) return { found: "undone" };
      const { containers } = services.over(services.vmadm);
      const record = (await containers.records()).find(({ uuid }) => uuid === zone);
      if (!record)
        return { found: "unclear", what: `there is a zone ${zone} (${vm.state}), and nothing tells who made it` };
      return record.phase === "started" || (record.phase === "created" && !input.start)
        ? { found: "done", result: { vm: zoneView(vm) } }
        : { found: "undone" };
    },
  });

  function planOf(spec: SpecDocument, name: string, context: TaskContext): Plan {
    const { config, host, images } = services;
    const { signal } = context;
    const pull = (reference: string): Promise<unknown> => images.pull(reference, { signal });
    return planLaunch(
      spec,
      { config, paths: host.paths, images, signal, pull },
      { pull: "missing", name, autoRemove: false },
    );
  }
}

function givenUuid({ uuid, payload }: Input): ZoneUuid | undefined {
  const own = zoneUuid.safeParse(payload?.["uuid"]);
  return uuid ?? (own.success ? own.data : undefined);
}

function nameOf(spec: SpecDocument): string {
  return (spec.format === "container" ? spec.spec.name : spec.manifest.alias) ?? randomName();
}

/** Raises SPEC_INVALID with the place of each problem. */
function documentOf({ payload, spec }: Input): SpecDocument {
  const [format, value] = payload === undefined ? (["spec", spec] as const) : (["vmadm", payload] as const);
  const [read, ...others] = readSpecs(JSON.stringify(value), format === "vmadm" ? "payload" : "spec", { format });
  if (read === undefined || others.length > 0)
    throw new AgentError("TASK_INVALID", `machine_create makes one container, not ${others.length + (read ? 1 : 0)}`);
  if (read.format === "container" && read.spec.envFile !== undefined)
    throw new AgentError("TASK_INVALID", "spec.envFile names files of the sender, which this node does not have", {
      hint: "put the variables into spec.env",
    });
  return read;
}
