// apply
import { Option, type Command } from "commander";
import { deploy, type Declared, type OnDeployed } from "../zones/deploy.ts";
import { groupOf } from "../zones/groups.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { addFileOptions, readDeclaredFiles, type FileOptions } from "./declared-files.ts";
import { declare, tellOutcome, type DeclaredContainer } from "./declared.ts";
import type { PullPolicy } from "./plan.ts";

interface ApplyOptions extends FileOptions {
  readonly dryRun: boolean;
  readonly quiet: boolean;
  readonly pull: PullPolicy;
}

const WOULD = { create: "created", start: "started", keep: "unchanged", recreate: "recreated" } as const;

export function addApplyCommand(program: Command, context: CliContext): void {
  addFileOptions(program.command("apply"))
    .description(
      "bring containers to what files declare: created, started, recreated (volumes stay) or left as they are",
    )
    .option("--dry-run", "tell what would be done", false)
    .option("-q, --quiet", "no progress of pulls", false)
    .addOption(
      new Option("--pull <when>", "when to ask the registry")
        .choices(["missing", "always", "never"])
        .default("missing"),
    )
    .action((options: ApplyOptions) => apply(context, options));
}

async function apply(context: CliContext, options: ApplyOptions): Promise<void> {
  const documents = await readDeclaredFiles(context, options);
  const declared = await declare(context, documents, {
    ...options,
    owner: "apply",
    want: "running",
    keepFailed: false,
    addUser: false,
    autoRemove: false,
  });
  await tellOrphans(context, declared);
  if (options.dryRun) {
    for (const { name, plan, prepared } of declared)
      if (plan.do !== "refuse")
        await context.output.out(
          `${name} ${WOULD[plan.do]} (dry run${prepared === undefined ? ", image to be pulled" : ""})\n`,
        );
    return;
  }
  const { containers, groups } = context.agent();
  const onDeployed: OnDeployed = async (one, outcome, launched) => {
    const prepared = launched?.prepared ?? declared.find(({ name }) => name === one.name)?.prepared;
    if (outcome !== "unchanged") await tellOutcome(context, prepared);
    await context.output.out(`${one.name} ${outcome}\n`);
  };
  const verbOptions = { signal: context.interrupts.signal, onWait: waitNotice(context) };
  for (const unit of units(declared)) {
    const group = unit[0]?.group?.name;
    const work = () => deploy(unit, { containers, groups }, onDeployed, verbOptions);
    await (group === undefined ? work() : groups.locked(group, verbOptions, work));
  }
}

/** Containers of one group stay together, in their order; the others stand for themselves. */
export function units(declared: readonly DeclaredContainer[]): Declared[][] {
  const result = new Map<string, Declared[]>();
  for (const { plan, ...one } of declared) {
    if (plan.do === "refuse") continue;
    const key = one.group === undefined ? `/${one.name}` : one.group.name;
    result.set(key, [...(result.get(key) ?? []), { ...one, plan }]);
  }
  return [...result.values()].map((unit) => unit.toSorted((a, b) => (a.group?.order ?? 0) - (b.group?.order ?? 0)));
}

/** Members of a declared group that its file does not declare any more: theirs may be data, so they are only named. */
async function tellOrphans(context: CliContext, declared: readonly DeclaredContainer[]): Promise<void> {
  const groups = new Set(declared.flatMap(({ group }) => group?.name ?? []));
  if (groups.size === 0) return;
  for (const vm of await context.agent().containers.list({ signal: context.interrupts.signal })) {
    const group = groupOf(vm);
    if (group === undefined || !groups.has(group) || declared.some(({ name }) => name === vm.alias)) continue;
    const name = vm.alias ?? vm.uuid;
    await context.output.err(
      `warning: "${name}" of the group "${group}" is not declared any more (zonelet rm -f ${name})\n`,
    );
  }
}
