// run and create
import { Option, type Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { newZoneUuid, type ContainerName, type ZoneUuid } from "../util/ids.ts";
import type { SpecDocument } from "../spec/read.ts";
import type { Launched } from "../zones/launch.ts";
import { readsInput } from "../zones/attach.ts";
import { dockerId } from "../zones/find.ts";
import { watchZones, type ZoneWatch } from "../zones/watch.ts";
import type { PreparedZone, SpecWarning } from "../zoneinit/prepared.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { describeBootFailure, runForeground } from "./foreground.ts";
import { addWaitOptions, awaitHealth, checkWaitOptions, type WaitOptions } from "./health-commands.ts";
import { isGrouped, runGroups } from "./run-groups.ts";
import { formatWarning } from "./warnings.ts";
import { formatData } from "./output.ts";
import { planFor, type Plan, type PullPolicy } from "./plan.ts";
import { addSpecOptions, readDocuments, type SpecOptions } from "./spec-options.ts";

interface LaunchOptions extends SpecOptions, WaitOptions {
  readonly detach?: boolean;
  readonly detachKeys: string;
  readonly dryRun: boolean;
  readonly keepFailed: boolean;
  readonly pull: PullPolicy;
  readonly quiet: boolean;
  readonly strict: boolean;
}

export function addRunCommands(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  const launchOptions = (command: Command): Command =>
    addSpecOptions(command)
      .option("--dry-run", "print the manifest that would go to vmadm, and stop", false)
      .option("--keep-failed", "leave what a failed create made, for inspection", false)
      .option("--strict", "treat warnings as errors", false)
      .option("-q, --quiet", "no progress of pulls", false)
      .addOption(
        new Option("--pull <when>", "when to ask the registry")
          .choices(["missing", "always", "never"])
          .default("missing"),
      );

  addWaitOptions(launchOptions(program.command("run")))
    .description("create and start a container; in the foreground unless -d")
    .option("-d, --detach", "print the id and return once it is started", false)
    .option("--detach-keys <keys>", "keys that leave the container running", DEFAULT_DETACH_KEYS)
    .option("--rm", "delete it when it has ended", false)
    .action(async (image: string | undefined, args: string[], options: LaunchOptions) => {
      checkWaitOptions(options);
      if (options.wait === true && options.detach !== true)
        throw new AgentError("USAGE", "--wait is for containers in the background", { hint: "add -d" });
      const documents = await documentsFor(context, image, args, options);
      const plans = plansOf(context, documents, options);
      if (options.strict) await refuseWarnings(context, plans);
      if (options.dryRun) {
        await dryRun(context, plans);
        return;
      }
      if (options.detach === true) {
        if (documents.some(isGrouped)) await runGroups(context, documents, options, "running");
        else for (const plan of plans) await runDetached(context, plan, options, "running");
        for (const { name } of plans) await awaitHealth(context, name, options);
        return;
      }
      const [only, ...others] = plans;
      if (only === undefined || others.length > 0)
        throw new AgentError("USAGE", `${plans.length} containers cannot all be in the foreground`, { hint: "use -d" });
      setStatus(await runAttached(context, only, options));
    });

  launchOptions(program.command("create"))
    .description("create a container without starting it")
    .action(async (image: string | undefined, args: string[], options: LaunchOptions) => {
      const documents = await documentsFor(context, image, args, options);
      const plans = plansOf(context, documents, options);
      if (options.strict) await refuseWarnings(context, plans);
      if (options.dryRun) await dryRun(context, plans);
      else if (documents.some(isGrouped)) await runGroups(context, documents, options, "stopped");
      else for (const plan of plans) await runDetached(context, plan, options, "stopped");
    });
}

async function documentsFor(
  context: CliContext,
  image: string | undefined,
  args: readonly string[],
  options: LaunchOptions,
): Promise<SpecDocument[]> {
  const documents = await readDocuments(context, image, args, options);
  if (options.name !== undefined && documents.length > 1)
    throw new AgentError("USAGE", `--name fits one container, the file has ${documents.length}`);
  return documents;
}

function plansOf(context: CliContext, documents: readonly SpecDocument[], options: LaunchOptions): Plan[] {
  const settings = {
    pull: options.dryRun ? "never" : options.pull,
    name: options.name,
    quiet: options.quiet,
    autoRemove: options.rm ?? false,
    addUser: options.addUser ?? false,
  } as const;
  return documents.map((document) => planFor(context, document, settings));
}

async function dryRun(context: CliContext, plans: readonly Plan[]): Promise<void> {
  for (const plan of plans) {
    const prepared = plan.prepare(await plan.image(), newZoneUuid());
    await tellWarnings(context, prepared.warnings);
    await context.output.out(formatData(prepared.manifest, "json"));
  }
}

async function runDetached(
  context: CliContext,
  plan: Plan,
  options: LaunchOptions,
  want: "running" | "stopped",
): Promise<void> {
  const { containers } = context.agent();
  const signal = context.interrupts.signal;
  const launched = await containers.launch({
    ...launchBasics(context, plan, options),
    snapshot: async () => {
      const zones = await containers.list({ signal });
      await containers.sweep(zones, { signal });
      return zones;
    },
    want,
    attached: false,
  });
  await tellLaunch(context, launched);
  const id = launched.prepared.manifest.internal_metadata?.["docker:id"];
  await context.output.out(`${typeof id === "string" ? id : launched.uuid}\n`);
}

async function runAttached(context: CliContext, plan: Plan, options: LaunchOptions): Promise<number> {
  const { vmadm, containers, log } = context.agent();
  if (options.interactive === true && options.tty === true && !context.input.isTerminal)
    throw new AgentError("USAGE", "-t needs a terminal as stdin", { hint: "leave -t out to pipe data in" });
  const detachKeys = parseDetachKeys(options.detachKeys);
  // One stream tells which names are taken, when the container has ended and how: no other reading call is needed.
  using watch: ZoneWatch = await watchZones(vmadm, { readySignal: context.interrupts.signal });
  const launched = await containers.launch({
    ...launchBasics(context, plan, options),
    snapshot: async () => {
      await containers.sweep(watch.zones(), { signal: context.interrupts.signal });
      return watch.zones();
    },
    want: "running",
    attached: true,
  });
  await tellLaunch(context, launched);
  const vm = await watch.until(launched.uuid, (now) => now !== undefined, AbortSignal.timeout(60_000));
  const end = await runForeground(
    context,
    watch,
    { zone: launched.uuid, zonepath: vm?.zonepath ?? `/zones/${launched.uuid}` },
    { input: options.interactive === true || (vm !== undefined && readsInput(vm)), detachKeys, signals: "stop" },
  );
  if (!end) return 0;
  const { exit, bootFailure } = end;
  if (bootFailure) await context.output.err(`zonelet: ${describeBootFailure(plan.name, bootFailure)}\n`);
  await settleEnd(context, launched.uuid, plan.name);
  log.info({ zone: launched.uuid, container: vm && dockerId(vm), exit }, "foreground container ended");
  return bootFailure?.dockerCode ?? exit.code;
}

/** The container's status is what the caller waits for: a clean-up that fails is told and does not replace it. */
async function settleEnd(context: CliContext, zone: ZoneUuid, name: ContainerName): Promise<void> {
  try {
    await context.agent().containers.seenEnding(zone, name);
  } catch (error) {
    await context.output.err(
      `${context.formatError(error)}\n  the container has ended; "zonelet rm ${name}" deletes it\n`,
    );
  }
}

function launchBasics(context: CliContext, plan: Plan, options: LaunchOptions) {
  return {
    name: plan.name,
    image: () => plan.image(),
    prepare: (...args: Parameters<Plan["prepare"]>): PreparedZone => plan.prepare(...args),
    keepFailed: options.keepFailed,
    signal: context.interrupts.signal,
    onWait: waitNotice(context),
  };
}

async function tellLaunch(context: CliContext, launched: Launched): Promise<void> {
  if (launched.resumed)
    await context.output.err(`going on with ${launched.prepared.name}, which an earlier command had begun\n`);
  await tellWarnings(context, launched.warnings);
}

async function tellWarnings(context: CliContext, warnings: readonly SpecWarning[]): Promise<void> {
  for (const warning of warnings) await context.output.err(`warning: ${formatWarning(warning)}\n`);
}

/** `--strict`: all warnings of all containers as one error, before anything is made. */
async function refuseWarnings(context: CliContext, plans: readonly Plan[]): Promise<void> {
  const zones = await context.agent().containers.list({ signal: context.interrupts.signal });
  const warnings: SpecWarning[] = [];
  for (const plan of plans) warnings.push(...plan.prepare(await plan.image(), newZoneUuid(), zones).warnings);
  if (warnings.length === 0) return;
  throw new AgentError("SPEC_INVALID", warnings.map(formatWarning).join("\n"), {
    hint: "these are warnings without --strict",
    details: { problems: warnings },
  });
}
