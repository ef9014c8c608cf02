// inspect
import type { Command } from "commander";
import type { Dialect } from "../docker-view/dialect.ts";
import { engineInspect } from "../docker-view/engine-inspect.ts";
import { sdcInspect } from "../docker-view/sdc-inspect.ts";
import { containerViews, type ContainerView } from "../zones/container-views.ts";
import { diskUse } from "../zones/disk-use.ts";
import { findZone } from "../zones/find.ts";
import { checkDialect, DIALECT_OPTION } from "./dialect-option.ts";
import { inspectDocument } from "./containers-view.ts";
import { oneOf, waitNotice, type CliContext } from "./context.ts";
import { maskEnv } from "./mask-env.ts";
import { formatData } from "./output.ts";

interface InspectOptions {
  readonly output: "json" | "yaml" | "docker";
  readonly dialect: Dialect;
  readonly raw: boolean;
  readonly size: boolean;
  readonly showSecrets: boolean;
}

export function addInspectCommand(program: Command, context: CliContext): void {
  program
    .command("inspect")
    .description("show all about a container")
    .argument("<container...>", "name, uuid, docker id or a unique prefix of one")
    .option(
      "-o, --output <format>",
      "json, yaml, or docker (as docker inspect prints it)",
      oneOf("output format", ["json", "yaml", "docker"]),
      "json",
    )
    .option(...DIALECT_OPTION)
    .option("-s, --size", "with -o docker: also what it takes on disk", false)
    .option("--raw", "the zone object as vmadm prints it", false)
    .option("--show-secrets", "do not mask values of variables that look secret", false)
    .action((references: string[], options: InspectOptions) => inspect(context, references, options));
}

async function inspect(context: CliContext, references: readonly string[], options: InspectOptions): Promise<void> {
  checkDialect(options);
  const { config, host, view } = context.agent();
  const { containers } = view;
  const { signal } = context.interrupts;
  const vms = await containers.list({ signal, onWait: waitNotice(context) });
  const found = references.map((reference) => findZone(reference, vms));
  const format = options.output === "yaml" ? "yaml" : "json";
  if (options.raw) {
    await context.output.out(formatData(found, format));
    return;
  }
  const records = await containers.records();
  const disk = options.size ? await diskUse(host, config.host.pool, signal) : undefined;
  const views = containerViews(found, { records, config, paths: host.paths, disk });
  const documents = views.map((view) =>
    options.output === "docker" ? dockerDocument(view, options) : inspectDocument(view, options),
  );
  await context.output.out(formatData(documents, format));
}

function dockerDocument({ facts, surroundings }: ContainerView, options: InspectOptions): Record<string, unknown> {
  const env = options.showSecrets ? facts.env : facts.env?.map(maskEnv);
  const shown = { ...facts, env };
  return options.dialect === "sdc" ? sdcInspect(shown, surroundings) : engineInspect(shown, surroundings);
}
