// What the zone object tells of a zone's datasets (vmadm.md 8.4, 9).
import type { Dataset } from "../../datasets.ts";
import type { Payload } from "../../vm/json-text.ts";
import type { DatasetFacts } from "../../vm/vm-object.ts";

/** Stands for the hold on `@indestructible` (indestructible.ts). */
export const HOLD_PROPERTY = "lab:do_not_destroy";

const GIB = 1024 ** 3;
const DEFAULT_RECORD_SIZE = 131072;

/** undefined: the zone has no dataset (any more). */
export function datasetFacts(name: string, datasets: readonly Dataset[]): DatasetFacts | undefined {
  const root = datasets.find((dataset) => dataset.name === name && dataset.type === "filesystem");
  if (!root) return undefined;
  const { properties } = root;
  const delegated = datasets.find((dataset) => dataset.name === `${name}/data` && dataset.type === "filesystem");
  const snapshotLimit = limit(properties["snapshot_limit"]);
  const filesystemLimit = limit(properties["filesystem_limit"]);
  return {
    quota: (parseSize(properties["quota"]) ?? 0) / GIB,
    ...storage(properties),
    ...(snapshotLimit === undefined ? {} : { snapshotLimit }),
    ...(filesystemLimit === undefined ? {} : { filesystemLimit }),
    indestructibleZoneroot: properties[HOLD_PROPERTY] === "on",
    indestructibleDelegated: delegated?.properties[HOLD_PROPERTY] === "on",
    ...(delegated ? { data: storage(delegated.properties) } : {}),
    snapshots: snapshots(name, datasets),
  };
}

function storage(properties: Dataset["properties"]): { compression: string; recordsize: number } {
  return {
    compression: properties["compression"] ?? "off",
    recordsize: parseSize(properties["recordsize"]) ?? DEFAULT_RECORD_SIZE,
  };
}

/** Newest first. */
function snapshots(name: string, datasets: readonly Dataset[]): Payload[] {
  const prefix = `${name}@vmsnap-`;
  return datasets
    .filter((dataset) => dataset.name.startsWith(prefix))
    .sort((a, b) => b.creation - a.creation)
    .map((dataset) => ({
      name: dataset.name.slice(prefix.length),
      size: Math.round((parseSize(dataset.properties["written"]) ?? 0) / 1024 ** 2),
      created_at: new Date(Math.floor(dataset.creation / 1000) * 1000).toISOString(),
    }));
}

function limit(text: string | undefined): number | undefined {
  return text === undefined || text === "none" ? undefined : Number(text);
}

/** `10G`, `512M`, `1024`; undefined for `none` and absence. */
function parseSize(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)$/i.exec(text ?? "");
  if (!match) return undefined;
  return Number(match[1]) * 1024 ** ["", "K", "M", "G", "T"].indexOf((match[2] ?? "").toUpperCase());
}
