// zfs list and zfs get.
import type { CommandContext } from "../../command.ts";
import { datasetStore } from "../../datasets.ts";
import { parseArguments, UsageError, type Arguments } from "./arguments.ts";
import { formatColumns, type Column } from "./format.ts";
import { canonicalName, isProperty, NATIVE, NUMERIC, readProperty } from "./properties.ts";
import { selectDatasets, type SelectionOptions } from "./select.ts";

const HEADERS: Readonly<Record<string, string>> = {
  available: "AVAIL",
  referenced: "REFER",
  readonly: "RDONLY",
  recordsize: "RECSIZE",
  compression: "COMPRESS",
  compressratio: "RATIO",
};

export async function list(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "Hprd:o:t:s:S:");
  const columns = (parsed.value("o") ?? "name,used,avail,refer,mountpoint").split(",");
  checkProperties(columns);
  const store = datasetStore(context.lab);
  const { datasets, complaints } = selectDatasets(await store.list(), selection(parsed));
  for (const line of complaints) context.err(`${line}\n`);
  if (datasets.length === 0) {
    if (complaints.length === 0) context.err("no datasets available\n");
    return complaints.length === 0 ? 0 : 1;
  }
  const rows: string[][] = [];
  for (const dataset of datasets) {
    const cells: string[] = [];
    for (const column of columns)
      cells.push((await readProperty(context.lab, store, dataset, column, parsed.has("p")))?.value ?? "-");
    rows.push(cells);
  }
  context.out(formatColumns(columns.map(columnOf), rows, parsed.has("H")));
  return complaints.length === 0 ? 0 : 1;
}

function columnOf(property: string): Column {
  const name = canonicalName(property);
  return { header: HEADERS[name] ?? name.toUpperCase(), align: NUMERIC.has(name) ? "right" : "left" };
}

const FIELDS = ["name", "property", "value", "source"] as const;

export async function get(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "Hprd:o:t:s:");
  const [properties, ...operands] = parsed.operands;
  if (properties === undefined) throw new UsageError("missing property argument");
  const fields = (parsed.value("o") ?? "name,property,value,source").split(",");
  for (const field of fields)
    if (!(FIELDS as readonly string[]).includes(field)) throw new UsageError(`invalid column name '${field}'`);
  const store = datasetStore(context.lab);
  const { datasets, complaints } = selectDatasets(await store.list(), { ...selection(parsed), operands });
  for (const line of complaints) context.err(`${line}\n`);
  const sources = parsed.value("s")?.split(",");
  const rows: string[][] = [];
  for (const dataset of datasets) {
    const everything = [...NATIVE, ...Object.keys(dataset.properties).filter((name) => name.includes(":"))];
    const wanted = properties === "all" ? everything : properties.split(",");
    checkProperties(wanted);
    for (const property of wanted) {
      const found = await readProperty(context.lab, store, dataset, property, parsed.has("p"));
      // What a dataset does not have is left out of `all`.
      if (!found && properties === "all") continue;
      const { value, source } = found ?? { value: "-", source: "-" };
      if (sources && !sources.includes(source === "-" ? "none" : source)) continue;
      const cells: Readonly<Record<string, string>> = {
        name: dataset.name,
        property: canonicalName(property),
        value,
        source,
      };
      rows.push(fields.map((field) => cells[field] ?? "-"));
    }
  }
  const columns = fields.map((field): Column => ({ header: field.toUpperCase(), align: "left" }));
  if (rows.length > 0) context.out(formatColumns(columns, rows, parsed.has("H")));
  return complaints.length === 0 ? 0 : 1;
}

function checkProperties(properties: readonly string[]): void {
  const wrong = properties.find((property) => !isProperty(property));
  if (wrong !== undefined) throw new UsageError(`bad property list: invalid property '${wrong}'`);
}

function selection(parsed: Arguments): SelectionOptions {
  const depth = parsed.value("d");
  if (depth !== undefined && !/^\d+$/.test(depth)) throw new UsageError(`${depth} is not a number`);
  return {
    operands: parsed.operands,
    types: parsed.value("t"),
    depth: depth !== undefined ? Number(depth) : parsed.has("r") ? Infinity : undefined,
  };
}
