// volume create, ls, inspect, rm, prune
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import { fields, map, text } from "../filters/adaptors.ts";
import { compileFilters } from "../filters/evaluate.ts";
import { parseFilters } from "../filters/parse.ts";
import { formatBytes, parseByteSize } from "../util/units.ts";
import { isVolumeName, type VolumeName } from "../util/ids.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { Volume } from "../volumes/volumes.ts";
import { containerName } from "../zones/find.ts";
import { parseFormat, waitNotice, type CliContext } from "./context.ts";
import { formatData, formatTable, humanAge, safeText, type OutputFormat } from "./output.ts";

const volumeFields = fields<Volume>({ name: text(({ place }) => place.name), labels: map((volume) => volume.labels) });

export function addVolumeCommands(program: Command, context: CliContext): void {
  const options = () => ({ signal: context.interrupts.signal, onWait: waitNotice(context) });
  // Every zone counts, whatever its brand: somebody may have mounted a volume by hand.
  const zones = (): Promise<readonly VmObject[]> =>
    context.agent().vmadm.lookup({}, { signal: context.interrupts.signal });
  const volume = program.command("volume").description("volumes of this node");

  volume
    .command("create")
    .description("make a volume; one that exists is left as it is")
    .argument("[name]")
    .option("-l, --label <K=V>", "label", collect)
    .option("--size <size>", "quota, e.g. 10g", parseSize)
    .action(async (name: string | undefined, { label = [], size }: { label?: readonly string[]; size?: number }) => {
      const labels = Object.fromEntries(label.map(parseLabel));
      const settings = { labels, ...(size === undefined ? {} : { sizeBytes: size }) };
      const made = await context
        .agent()
        .volumes.create(name === undefined ? undefined : checkedName(name), settings, options());
      await context.output.out(`${made}\n`);
    });

  volume
    .command("ls")
    .alias("list")
    .description("list volumes and who uses them")
    .option(
      "-f, --filter <filter>",
      "only those, by containerd's grammar over name and labels; repeatable",
      collect,
      [],
    )
    .option("-q, --quiet", "print names only", false)
    .option("-o, --output <format>", "table, json or yaml", parseFormat, "table")
    .action(async ({ filter, quiet, output }: { filter: readonly string[]; quiet: boolean; output: OutputFormat }) => {
      const matches = compileFilters(parseFilters(filter), volumeFields);
      const listed = await context.agent().volumes.list(await zones(), { ...options(), used: !quiet });
      const all = listed.filter(matches);
      if (quiet)
        await context.output.out(
          all
            .filter(isNamed)
            .map(({ place }) => `${place.name}\n`)
            .join(""),
        );
      else if (output === "table") await context.output.out(volumeTable(all));
      else await context.output.out(formatData(all.map(volumeDocument), output));
    });

  volume
    .command("inspect")
    .description("show all about volumes")
    .argument("<name...>")
    .option("-o, --output <format>", "json or yaml", parseFormat, "json")
    .action(async (names: string[], { output }: { output: OutputFormat }) => {
      const present = await zones();
      const found: Volume[] = [];
      for (const name of names) found.push(await context.agent().volumes.find(name, present, options()));
      await context.output.out(formatData(found.map(volumeDocument), output === "yaml" ? "yaml" : "json"));
    });

  volume
    .command("rm")
    .description("remove volumes and what is in them")
    .argument("<name...>")
    .option("-f, --force", "one that does not exist is no error", false)
    .action(async (names: string[], { force }: { force: boolean }) => {
      const failures: AgentError[] = [];
      for (const name of names)
        try {
          await context.agent().volumes.remove(checkedName(name), zones, { ...options(), missingIsFine: force });
          await context.output.out(`${safeText(name)}\n`);
        } catch (error) {
          const failure = fromUnknown(error);
          if (names.length === 1 || context.interrupts.signal.aborted) throw failure;
          failures.push(failure);
          await context.output.err(`${context.formatError(failure)}\n`);
        }
      if (failures[0]) throw new AgentError(failures[0].code, `${failures.length} of ${names.length} failed`);
    });

  volume
    .command("prune")
    .description("remove the volumes no container uses; without -f only list them")
    .option("-f, --force", "really remove them", false)
    .action(async ({ force }: { force: boolean }) => {
      const { volumes } = context.agent();
      const unused = (await volumes.list(await zones(), options())).filter(
        (candidate) => isNamed(candidate) && candidate.usedBy.length === 0,
      );
      for (const { place } of unused) {
        if (force) await volumes.remove(place.name, zones, { ...options(), missingIsFine: true });
        await context.output.out(`${place.name}\n`);
      }
      if (!force && unused.length > 0)
        await context.output.err(`nothing was removed; "zonelet volume prune -f" removes these ${unused.length}\n`);
    });
}

const isNamed = ({ place }: Volume): boolean => place.kind === "named";

function volumeTable(volumes: readonly Volume[]): string {
  const now = Date.now();
  return formatTable(
    ["NAME", "GROUP", "USED", "SIZE", "CREATED", "CONTAINERS"],
    volumes.map(({ place, usedBytes, quotaBytes, createdAt, usedBy }) => [
      place.name,
      place.kind === "group" ? place.group : "-",
      usedBytes === undefined ? "-" : formatBytes(usedBytes),
      quotaBytes === 0 ? "-" : formatBytes(quotaBytes),
      `${humanAge(now - createdAt.getTime())} ago`,
      usedBy.map(containerName).join(", ") || "-",
    ]),
  );
}

function volumeDocument(volume: Volume): Record<string, unknown> {
  const { place, mountpoint, labels, quotaBytes, usedBytes, createdAt, usedBy } = volume;
  return {
    name: place.name,
    ...(place.kind === "group" ? { group: place.group } : {}),
    mountpoint,
    labels,
    sizeBytes: quotaBytes === 0 ? null : quotaBytes,
    usedBytes,
    created: createdAt.toISOString(),
    containers: usedBy.map(containerName),
  };
}

function checkedName(name: string): VolumeName {
  if (isVolumeName(name)) return name;
  throw new AgentError("USAGE", `${JSON.stringify(name)} is not a name for a volume`, {
    hint: "letters, digits, _ . and -, the first a letter or digit, at most 128",
  });
}

function parseSize(text: string): number {
  const bytes = parseByteSize(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new AgentError("USAGE", `--size takes a size such as 10g, not "${text}"`);
}

function parseLabel(text: string): [string, string] {
  const equals = text.indexOf("=");
  if (equals === 0) throw new AgentError("USAGE", `--label takes K=V, not "${text}"`);
  return equals === -1 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
