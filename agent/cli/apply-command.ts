// apply
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import type { SpecDocument } from "../spec/read.ts";
import { deploy, type Declared, type OnDeployed } from "../zones/deploy.ts";
import { groupOf } from "../zones/groups.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { declare, raiseAll, tellOutcome, type DeclaredContainer } from "./declared.ts";
import type { PullPolicy } from "./plan.ts";
import { formatOption, readFileDocuments } from "./spec-options.ts";
import type { SpecFormat } from "../spec/formats/format.ts";

interface ApplyOptions {
  readonly file: readonly string[];
  readonly recursive: boolean;
  readonly dryRun: boolean;
  readonly quiet: boolean;
  readonly pull: PullPolicy;
  readonly format?: SpecFormat;
}

const WOULD = { create: "created", start: "started", keep: "unchanged", recreate: "recreated" } as const;

export function addApplyCommand(program: Command, context: CliContext): void {
  program
    .command("apply")
    .description(
      "bring containers to what files declare: created, started, recreated (volumes stay) or left as they are",
    )
    .requiredOption("-f, --file <path>", 'file of any format, directory of such, or "-" for stdin; repeatable', collect)
    .option("-R, --recursive", "also directories below", false)
    .option("--dry-run", "tell what would be done", false)
    .option("-q, --quiet", "no progress of pulls", false)
    .addOption(
      new Option("--pull <when>", "when to ask the registry")
        .choices(["missing", "always", "never"])
        .default("missing"),
    )
    .addOption(formatOption())
    .action((options: ApplyOptions) => apply(context, options));
}

async function apply(context: CliContext, options: ApplyOptions): Promise<void> {
  const documents = await readAll(context, options);
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

async function readAll(context: CliContext, options: ApplyOptions): Promise<SpecDocument[]> {
  const problems: AgentError[] = [];
  const documents: SpecDocument[] = [];
  const signal = context.interrupts.signal;
  for (const path of options.file)
    try {
      for (const file of path === "-" ? [path] : await filesOf(path, options.recursive))
        try {
          for (const document of await readFileDocuments(context, file, options.format)) {
            const name = document.format === "container" ? document.spec.name : document.manifest.alias;
            if (name !== undefined) documents.push(document);
            else
              problems.push(
                new AgentError("SPEC_INVALID", `${file}: a declared container needs a name`, {
                  hint: "without one, every apply would make another container",
                }),
              );
          }
        } catch (error) {
          signal.throwIfAborted();
          problems.push(fromUnknown(error));
        }
    } catch (error) {
      signal.throwIfAborted();
      problems.push(fromUnknown(error));
    }
  raiseAll(problems);
  return documents;
}

/** A file as it is; of a directory the files with names of specs, sorted. Hidden ones and links to directories are passed over. */
async function filesOf(path: string, recursive: boolean): Promise<string[]> {
  const status = await stat(path).catch((error: unknown) => {
    throw new AgentError("SPEC_INVALID", `cannot read ${path}`, { cause: fromUnknown(error) });
  });
  if (!status.isDirectory()) return [path];
  const entries = (await readdir(path, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const inner = join(path, entry.name);
    if (entry.isDirectory()) {
      if (recursive) found.push(...(await filesOf(inner, true)));
    } else if (/\.(?:ya?ml|json)$/.test(entry.name)) found.push(inner);
  }
  if (found.length === 0 && !recursive)
    throw new AgentError("SPEC_INVALID", `${path} holds no .yaml, .yml or .json file`);
  return found;
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
