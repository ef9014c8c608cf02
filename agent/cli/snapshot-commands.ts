// snapshot and diff
import { Option, type Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { snapshotAdaptor } from "../filters/adaptors.ts";
import { compileFilters } from "../filters/evaluate.ts";
import { parseFilters } from "../filters/parse.ts";
import type { SnapshotInfo } from "../snapshots/snapshots.ts";
import type { PathChange } from "../snapshots/zfs-diff.ts";
import { formatBytes } from "../util/units.ts";
import { parseFormat, type CliContext } from "./context.ts";
import { formatData, formatTable, humanAge, safeText, type OutputFormat } from "./output.ts";

interface DiffOptions {
  readonly all: boolean;
  readonly output: OutputFormat;
}

export function addSnapshotCommands(program: Command, context: CliContext): void {
  const signal = (): { readonly signal: AbortSignal } => ({ signal: context.interrupts.signal });
  const output = (): Option =>
    new Option("-o, --output <format>", "table, json or yaml").argParser(parseFormat).default("table");
  const snapshot = program.command("snapshot").description("states of containers' roots, kept and gone back to");

  snapshot
    .command("ls")
    .alias("list")
    .description("list all snapshots: image layers, containers' roots, and those taken of them")
    .argument("[container]", "only this container's")
    .option(
      "-f, --filter <filter>",
      "containerd's grammar over name, parent and kind",
      (value: string, list: readonly string[]) => [...list, value],
      [],
    )
    .addOption(output())
    .action(async (reference: string | undefined, options: { filter: readonly string[]; output: OutputFormat }) => {
      const { snapshots, containers } = context.agent();
      const vm = reference === undefined ? undefined : await containers.find(reference, signal());
      const matches = compileFilters<SnapshotInfo>(parseFilters(options.filter), snapshotAdaptor);
      const list = (await snapshots.list(signal())).filter(
        (one) => matches(one) && (vm === undefined || one.name.split("@")[0] === vm.uuid),
      );
      if (options.output !== "table") {
        await context.output.out(formatData(list, options.output));
        return;
      }
      const now = Date.now();
      await context.output.out(
        formatTable(
          ["KEY", "PARENT", "KIND", "OF", "CREATED", "SIZE"],
          list.map((one) => [
            one.name,
            one.parent,
            one.kind === "active" ? "Active" : "Committed",
            one.of,
            `${humanAge(now - one.createdAt.getTime())} ago`,
            formatBytes(one.usedBytes),
          ]),
        ),
      );
    });

  snapshot
    .command("create")
    .description("keep the state of a container's root, running or not")
    .argument("<container>")
    .argument("<name>", "1 to 64 letters, digits and -_.:%")
    .action(async (reference: string, name: string) => {
      const { containers, snapshots } = context.agent();
      const vm = await containers.find(reference, signal());
      await snapshots.create(vm, name, signal());
      await context.output.out(`${vm.uuid}@${name}\n`);
    });

  snapshot
    .command("rm")
    .description("delete snapshots of a container")
    .argument("<container>")
    .argument("<name...>")
    .action(async (reference: string, names: string[]) => {
      const { containers, snapshots } = context.agent();
      const vm = await containers.find(reference, signal());
      for (const name of names) {
        await snapshots.remove(vm, name, signal());
        await context.output.out(`${vm.uuid}@${name}\n`);
      }
    });

  snapshot
    .command("rollback")
    .description("go back to a snapshot: newer ones are deleted, the container is stopped hard and started again")
    .argument("<container>")
    .argument("<name>")
    .option("-y, --yes", "do it, although newer changes and snapshots are lost", false)
    .action(async (reference: string, name: string, options: { yes: boolean }) => {
      const { containers, snapshots } = context.agent();
      const vm = await containers.find(reference, signal());
      if (!options.yes)
        throw new AgentError(
          "USAGE",
          `going back to "${name}" loses what ${reference} wrote since, and newer snapshots`,
          {
            hint: "say --yes to do it",
          },
        );
      await snapshots.rollback(vm, name, signal());
      await context.output.out(`${vm.uuid}@${name}\n`);
    });

  const withDiff = (command: Command): Command =>
    command.option("--all", "the platform's own files, too", false).addOption(output());
  withDiff(snapshot.command("diff"))
    .description("what changed in a container's root since a snapshot of it: A added, C changed, D deleted")
    .argument("<container>")
    .argument("<name>")
    .action(async (reference: string, since: string, options: DiffOptions) => {
      await printDiff(reference, { ...options, since });
    });
  withDiff(program.command("diff"))
    .description("what a container changed in its root since its image: A added, C changed, D deleted")
    .argument("<container>")
    .action(async (reference: string, options: DiffOptions) => {
      await printDiff(reference, options);
    });

  async function printDiff(reference: string, options: DiffOptions & { readonly since?: string }): Promise<void> {
    const { containers, snapshots } = context.agent();
    const vm = await containers.find(reference, signal());
    const { since, all } = options;
    const changes = await snapshots.diff(vm, { ...signal(), all, ...(since === undefined ? {} : { since }) });
    await context.output.out(options.output === "table" ? lines(changes) : formatData(changes, options.output));
  }
}

function lines(changes: readonly PathChange[]): string {
  return changes.map(({ kind, path }) => `${kind} ${safeText(path)}\n`).join("");
}
