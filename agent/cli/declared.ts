// From documents to containers that are brought to what they ask for: images first, then a look at everything that is
// there, and every refusal at once, before anything is touched.
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import type { SpecDocument } from "../spec/read.ts";
import type { ContainerName } from "../util/ids.ts";
import { newZoneUuid } from "../util/ids.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";
import type { ZoneOwner } from "../zoneinit/manifest.ts";
import type { Declared } from "../zones/deploy.ts";
import { requestDigest } from "../zones/launch.ts";
import { planZone, type ZonePlan } from "../zones/plan-zone.ts";
import type { CliContext } from "./context.ts";
import { waitNotice } from "./context.ts";
import { formatWarning } from "./warnings.ts";
import { planFor, type Plan, type PullPolicy } from "./plan.ts";

export interface DeclareOptions {
  readonly owner: ZoneOwner | undefined;
  readonly want: "running" | "stopped";
  /** In the place of the document's, where there is one document. */
  readonly name?: string | undefined;
  readonly pull: PullPolicy;
  readonly quiet: boolean;
  readonly keepFailed: boolean;
  readonly addUser: boolean;
  readonly autoRemove: boolean;
  /** A missing image is not fetched, and no error. */
  readonly dryRun: boolean;
}

export interface DeclaredContainer {
  readonly name: ContainerName;
  readonly group: PreparedZone["group"];
  readonly vm: VmObject | undefined;
  readonly plan: ZonePlan;
  /** Absent: the image would have to be fetched first. */
  readonly prepared: PreparedZone | undefined;
  readonly launch: Declared["launch"];
}

/** Raises all problems of all documents in one error. Fetches images; changes nothing else. */
export async function declare(
  context: CliContext,
  documents: readonly SpecDocument[],
  options: DeclareOptions,
): Promise<DeclaredContainer[]> {
  const problems: AgentError[] = [];
  const attempt = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      context.interrupts.signal.throwIfAborted();
      problems.push(fromUnknown(error));
      return undefined;
    }
  };
  const { containers } = context.agent();
  const signal = context.interrupts.signal;
  const zones = await containers.list({ signal, onWait: waitNotice(context) });
  const records = await containers.records();
  const declared: DeclaredContainer[] = [];
  for (const document of documents) {
    const found = await attempt(async () => {
      const plan = planFor(context, document, { ...options, pull: options.dryRun ? "never" : options.pull });
      if (declared.some(({ name }) => name === plan.name))
        throw new AgentError("SPEC_INVALID", `${document.source.name}: a second container "${plan.name}"`);
      const known = borrowsFromComing(document, declared) ? undefined : zones;
      return { plan, prepared: await prepare(plan, known, options.dryRun) };
    });
    if (found === undefined) continue;
    const { plan, prepared } = found;
    const { name } = plan;
    const vm = zones.find((zone) => zone.alias === name);
    const record = records.find((one) => one.uuid === vm?.uuid);
    const intent = {
      digest: prepared === undefined ? "" : requestDigest(prepared),
      role: prepared?.group?.role ?? "main",
      owner: options.owner,
    };
    declared.push({
      name,
      group: prepared?.group,
      vm,
      plan: planZone(intent, { vm, record }),
      prepared,
      launch: () =>
        containers.launch({
          name,
          image: () => plan.image(),
          prepare: (image, uuid, present) => plan.prepare(image, uuid, present),
          snapshot: () => containers.list({ signal }),
          want: options.want,
          attached: false,
          keepFailed: options.keepFailed,
          signal,
          onWait: waitNotice(context),
        }),
    });
  }
  for (const { name, plan } of declared)
    if (plan.do === "refuse")
      problems.push(
        new AgentError("APPLY_REFUSED", `container "${name}" exists, and ${plan.why}`, {
          hint: `remove it ("zonelet rm -f ${name}"), or give the declared one another name`,
        }),
      );
  raiseAll(problems);
  return declared;
}

/** One error for all; with several, its code is the first one's. */
export function raiseAll(problems: readonly AgentError[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const text = problems.map(({ message, hint }) => (hint === undefined ? message : `${message}\n  ${hint}`)).join("\n");
  throw new AgentError(first.code, `${problems.length} problems, nothing was touched\n${text}`);
}

/** Whether it mounts what a container does that is still to be made: then that is looked up once it is there. */
function borrowsFromComing(document: SpecDocument, declared: readonly DeclaredContainer[]): boolean {
  const lenders = document.format === "container" ? (document.spec.volumesFrom ?? []) : [];
  return lenders.some(({ container }) => declared.some(({ name, vm }) => name === container && vm === undefined));
}

async function prepare(
  plan: Plan,
  zones: readonly VmObject[] | undefined,
  dryRun: boolean,
): Promise<PreparedZone | undefined> {
  try {
    return plan.prepare(await plan.image(), newZoneUuid(), zones);
  } catch (error) {
    if (dryRun && hasCode(error, "IMAGE_NOT_FOUND")) return undefined;
    throw error;
  }
}

export async function tellOutcome(context: CliContext, prepared: PreparedZone | undefined): Promise<void> {
  for (const warning of prepared?.warnings ?? []) await context.output.err(`warning: ${formatWarning(warning)}\n`);
}
