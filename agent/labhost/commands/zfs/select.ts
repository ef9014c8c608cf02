// Which datasets `zfs list` and `zfs get` talk about: operands, types, depth.
import type { Dataset } from "../../datasets.ts";
import { UsageError } from "./arguments.ts";

export interface Selection {
  readonly datasets: readonly Dataset[];
  /** One line per operand that is no dataset. */
  readonly complaints: readonly string[];
}

export interface SelectionOptions {
  readonly operands: readonly string[];
  /** `-t`; undefined: what the operands name, without them every filesystem and volume. */
  readonly types: string | undefined;
  /** `-r`, or the number of `-d`; undefined: only what is named. */
  readonly depth: number | undefined;
}

const TYPES: Readonly<Record<string, readonly Dataset["type"][]>> = {
  filesystem: ["filesystem"],
  fs: ["filesystem"],
  snapshot: ["snapshot"],
  snap: ["snapshot"],
  volume: ["volume"],
  vol: ["volume"],
  bookmark: [],
  all: ["filesystem", "snapshot", "volume"],
};

export function selectDatasets(all: readonly Dataset[], options: SelectionOptions): Selection {
  const { operands } = options;
  const types = options.types === undefined ? undefined : parseTypes(options.types);
  if (operands.length === 0) {
    const wanted = types ?? ["filesystem", "volume"];
    return { datasets: all.filter((dataset) => wanted.includes(dataset.type)), complaints: [] };
  }
  const chosen = new Set<Dataset>();
  const complaints: string[] = [];
  for (const operand of operands) {
    const named = all.find((dataset) => dataset.name === operand);
    if (!named) {
      complaints.push(`cannot open '${operand}': dataset does not exist`);
      continue;
    }
    const below = all.filter((dataset) => isWithin(dataset, named, options.depth, types));
    for (const dataset of below) chosen.add(dataset);
  }
  return { datasets: all.filter((dataset) => chosen.has(dataset)), complaints };
}

function parseTypes(text: string): Dataset["type"][] {
  return text.split(",").flatMap((type) => {
    const known = TYPES[type];
    if (!known) throw new UsageError(`invalid type '${type}'`);
    return known;
  });
}

function isWithin(
  dataset: Dataset,
  top: Dataset,
  depth: number | undefined,
  types: readonly Dataset["type"][] | undefined,
): boolean {
  const allowed = types ?? (dataset === top ? [top.type] : (["filesystem", "volume"] as const));
  if (!allowed.includes(dataset.type)) return false;
  if (dataset === top) return true;
  const isBelow = dataset.name.startsWith(`${top.name}/`) || dataset.name.startsWith(`${top.name}@`);
  // With snapshots asked for, a named filesystem shows its own even without -r.
  const limit = depth ?? (types?.includes("snapshot") === true ? 1 : 0);
  return isBelow && dataset.name.slice(top.name.length).split(/[/@]/).length - 1 <= limit;
}
