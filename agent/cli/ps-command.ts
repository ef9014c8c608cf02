// ps
import type { Command } from "commander";
import type { Config } from "../config/schema.ts";
import type { Dialect } from "../docker-view/dialect.ts";
import { engineEntry } from "../docker-view/engine-entry.ts";
import { engineSelect, type EngineQuery } from "../docker-view/engine-list.ts";
import type { ContainerFacts } from "../docker-view/facts.ts";
import { sdcEntry } from "../docker-view/sdc-entry.ts";
import { sdcSelect } from "../docker-view/sdc-list.ts";
import { hasCode } from "../errors/agent-error.ts";
import { containerFields } from "../docker-view/container-fields.ts";
import { DockerFilters } from "../filters/docker-args.ts";
import { splitFilters } from "../filters/either.ts";
import type { Images } from "../imgadm/images.ts";
import { containerViews, type ContainerView } from "../zones/container-views.ts";
import { FOREIGN_NAMESPACE } from "../util/identifiers.ts";
import { groupOf } from "../zones/groups.ts";
import { namespaceOf } from "../zones/observe.ts";
import { diskUse } from "../zones/disk-use.ts";
import { checkDialect, DIALECT_OPTION } from "./dialect-option.ts";
import { inspectDocument, psTable } from "./containers-view.ts";
import { oneOf, parseCount, waitNotice, type CliContext } from "./context.ts";
import { formatData, formatTable } from "./output.ts";

interface PsOptions {
  readonly all: boolean;
  readonly quiet: boolean;
  readonly trunc: boolean;
  readonly size: boolean;
  readonly latest: boolean;
  readonly last?: number;
  readonly filter?: readonly string[];
  readonly group?: string;
  readonly namespace?: string;
  readonly output: "table" | "json" | "yaml" | "docker";
  readonly dialect: Dialect;
}

export function addPsCommand(program: Command, context: CliContext): void {
  program
    .command("ps")
    .description("list containers, newest first (source: vmadm)")
    .option("-a, --all", "also those that do not run", false)
    .option(
      "-f, --filter <filter>",
      "only those, by Docker's key=value (name, id, status, label, exited, ancestor, …) or containerd's labels.app==web",
      collect,
    )
    .option("--group <name>", "only the containers of that group")
    .option("--namespace <name>", `only those of that namespace ("${FOREIGN_NAMESPACE}": zones others made)`)
    .option("-n, --last <number>", "only the newest ones, running or not", parseCount("--last"))
    .option("-l, --latest", "only the newest one, running or not", false)
    .option("-q, --quiet", "print ids only", false)
    .option("-s, --size", "also what they take on disk", false)
    .option("--no-trunc", "do not shorten ids and commands")
    .option(
      "-o, --output <format>",
      "table, json, yaml, or docker (as Docker's API lists them)",
      oneOf("output format", ["table", "json", "yaml", "docker"]),
      "table",
    )
    .option(...DIALECT_OPTION)
    .action((options: PsOptions) => ps(context, options));
}

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

async function ps(context: CliContext, options: PsOptions): Promise<void> {
  checkDialect(options);
  const given = splitFilters(options.filter ?? [], containerFields);
  const filters = DockerFilters.fromOptions(given.docker);
  const { config, host, images, view } = context.agent();
  const { containers } = view;
  const { signal } = context.interrupts;
  const [all, records, disk, imageNames] = await Promise.all([
    containers.list({ signal, onWait: waitNotice(context) }),
    containers.records(),
    options.size ? diskUse(host, config.host.pool, signal) : undefined,
    ancestors(filters.get("ancestor"), images, signal),
  ]);
  const vms = all.filter(
    (vm) =>
      (options.group === undefined || groupOf(vm) === options.group) &&
      (options.namespace === undefined || namespaceOf(vm) === options.namespace),
  );
  const views = containerViews(vms, { records, config, paths: host.paths, disk });
  const query = { all: options.all, limit: options.latest ? 1 : options.last, filters };
  const selected = options.dialect === "sdc" ? sdcShown(views, query, config) : select(views, query, imageNames);
  const shown = selected.filter(({ facts }) => given.matches(facts));
  const now = new Date();
  switch (options.output) {
    case "docker": {
      const entry = options.dialect === "sdc" ? sdcEntry : engineEntry;
      const entries = shown.map((view) => entry(view.facts, view.surroundings, now));
      await context.output.out(formatData(entries, "json"));
      return;
    }
    case "json":
    case "yaml": {
      const documents = shown.map((view) => inspectDocument(view, { showSecrets: false }));
      await context.output.out(formatData(documents, options.output));
      return;
    }
    case "table":
      break;
  }
  if (options.quiet) {
    const ids = shown.map(({ facts }) => (options.trunc ? facts.id.slice(0, 12) : facts.id));
    await context.output.out(ids.map((id) => `${id}\n`).join(""));
    return;
  }
  const { header, rows } = psTable(shown, { now, noTrunc: !options.trunc, size: options.size });
  await context.output.out(formatTable(header, rows));
  const unknown = shown.filter(({ facts }) => facts.health?.status === "unknown").map(({ facts }) => facts.name);
  if (unknown.length > 0)
    await context.output.err(`health: unknown (no daemon runs the checks): ${unknown.join(", ")}\n`);
  const known = new Set<string>(all.map((vm) => vm.uuid));
  for (const record of options.all ? records : [])
    if (record.phase === "creating" && !known.has(record.uuid))
      await context.output.err(
        `unfinished: "${record.name}" (${record.uuid}), begun ${record.createdAt}; run it again or "zonelet rm ${record.name}"\n`,
      );
}

function select(
  views: readonly ContainerView[],
  query: EngineQuery,
  imageNames: (facts: ContainerFacts) => readonly string[],
): ContainerView[] {
  const byUuid = new Map(views.map((view) => [view.facts.uuid, view]));
  const facts = engineSelect(
    views.map((view) => view.facts),
    query,
    {
      surroundings: (one) => byUuid.get(one.uuid)?.surroundings ?? { firewallRules: [], links: [] },
      imageNames,
    },
  );
  return facts.flatMap(({ uuid }) => byUuid.get(uuid) ?? []);
}

/** What the Docker service of a head node would list, by its own reading of the filters. */
function sdcShown(
  views: readonly ContainerView[],
  { filters, ...query }: EngineQuery,
  { packages }: Pick<Config, "packages">,
): ContainerView[] {
  const given = Object.fromEntries(filters.keys().map((key) => [key, filters.get(key)]));
  const chosen = sdcSelect(
    views.map((view) => view.facts),
    { ...query, filters: given },
    packages.length === 0 ? undefined : packages,
  );
  return chosen.flatMap(({ uuid }) => views.find((view) => view.facts.uuid === uuid) ?? []);
}

/** Those of the wanted images' names that mean a container's image: a name, the digits of an id, or a uuid. */
async function ancestors(
  wanted: readonly string[],
  images: Images,
  signal: AbortSignal,
): Promise<(facts: ContainerFacts) => readonly string[]> {
  const found = await Promise.all(
    wanted.map(async (name) => {
      try {
        return { name, uuid: (await images.find(name, { signal }))?.imageUuid };
      } catch (error) {
        // What names no image selects no container.
        if (hasCode(error, "IMAGE_REFERENCE_INVALID", "IMAGE_REFERENCE_AMBIGUOUS")) return { name, uuid: undefined };
        throw error;
      }
    }),
  );
  return (facts) => found.filter(({ uuid }) => uuid !== undefined && uuid === facts.imageUuid).map(({ name }) => name);
}
