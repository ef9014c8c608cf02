// Properties of datasets: what is stored, what is computed, what is assumed when nobody said otherwise.
import { statfs } from "node:fs/promises";
import type { Dataset, DatasetStore } from "../../datasets.ts";
import type { Lab } from "../../lab.ts";
import { niceNumber, parseSize } from "./format.ts";

export interface PropertyValue {
  readonly value: string;
  /** `-` for what is computed. */
  readonly source: "-" | "default" | "local";
}

export const ALIASES: Readonly<Record<string, string>> = {
  avail: "available",
  refer: "referenced",
  rdonly: "readonly",
  recsize: "recordsize",
  compress: "compression",
  ratio: "compressratio",
};

/** Sizes among them are shown as such. */
const SETTABLE: Readonly<Record<string, string>> = {
  quota: "none",
  refquota: "none",
  reservation: "none",
  refreservation: "none",
  recordsize: "128K",
  compression: "off",
  atime: "on",
  devices: "on",
  exec: "on",
  setuid: "on",
  readonly: "off",
  zoned: "off",
  snapdir: "hidden",
  canmount: "on",
  filesystem_limit: "none",
  snapshot_limit: "none",
  sync: "standard",
  checksum: "on",
};
const SIZES = new Set(["quota", "refquota", "reservation", "refreservation", "recordsize"]);
const COMPUTED = [
  "type",
  "creation",
  "used",
  "available",
  "referenced",
  "compressratio",
  "mounted",
  "origin",
  "mountpoint",
];

/** Order of `zfs get all`. */
export const NATIVE = [...COMPUTED, ...Object.keys(SETTABLE)];
export const NUMERIC = new Set(["used", "available", "referenced", "compressratio", ...SIZES]);

export function canonicalName(property: string): string {
  return ALIASES[property] ?? property;
}

function isUserProperty(property: string): boolean {
  return property.includes(":");
}

export function isProperty(property: string): boolean {
  return property === "name" || isUserProperty(property) || NATIVE.includes(canonicalName(property));
}

/** The reason a value cannot be set; undefined when it can. */
export function settingComplaint(property: string, value: string): string | undefined {
  const name = canonicalName(property);
  if (isUserProperty(name)) return undefined;
  if (name === "mountpoint") return "the lab host mounts every dataset at its name";
  if (COMPUTED.includes(name)) return `'${name}' is readonly`;
  if (!(name in SETTABLE)) return `invalid property '${property}'`;
  if (SIZES.has(name) && parseSize(value) === undefined) return `bad numeric value '${value}'`;
  return undefined;
}

/** undefined: the dataset has no such property (`-` in tables). `exact` is `-p`: numbers in full. */
export async function readProperty(
  lab: Lab,
  store: DatasetStore,
  dataset: Dataset,
  property: string,
  exact: boolean,
): Promise<PropertyValue | undefined> {
  const size = (bytes: number): string => (exact ? String(bytes) : niceNumber(bytes));
  const snapshot = dataset.type === "snapshot";
  const name = canonicalName(property);
  switch (name) {
    case "name":
      return { value: dataset.name, source: "-" };
    case "type":
      return { value: dataset.type, source: "-" };
    case "creation":
      return {
        value: exact ? String(Math.floor(dataset.creation / 1000)) : creationDate(dataset.creation),
        source: "-",
      };
    case "used":
    case "referenced":
      return { value: size(await store.used(dataset.name)), source: "-" };
    case "available":
      return snapshot ? undefined : { value: size(await available(lab)), source: "-" };
    case "compressratio":
      return { value: "1.00x", source: "-" };
    case "mounted":
      return snapshot ? undefined : { value: (await store.isMounted(dataset.name)) ? "yes" : "no", source: "-" };
    case "origin":
      return dataset.origin === undefined ? undefined : { value: dataset.origin, source: "-" };
    case "mountpoint":
      return dataset.mountpoint === undefined ? undefined : { value: dataset.mountpoint, source: "default" };
    default:
      return storedProperty(dataset, name, size, exact);
  }
}

function storedProperty(
  dataset: Dataset,
  name: string,
  size: (bytes: number) => string,
  exact: boolean,
): PropertyValue | undefined {
  const stored = dataset.properties[name];
  const value = stored ?? SETTABLE[name];
  if (value === undefined || (dataset.type === "snapshot" && stored === undefined)) return undefined;
  const source = stored === undefined ? "default" : "local";
  const bytes = SIZES.has(name) ? parseSize(value) : undefined;
  if (bytes === undefined) return { value, source };
  return { value: bytes === 0 && !exact ? "none" : size(bytes), source };
}

async function available(lab: Lab): Promise<number> {
  const { bavail, bsize } = await statfs(lab.path("/zones"));
  return bavail * bsize;
}

/** `Tue Nov 24 22:01 2026` */
function creationDate(ms: number): string {
  const [day = "", date = "", month = "", year = "", time = ""] = new Date(ms)
    .toUTCString()
    .replace(",", "")
    .split(" ");
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time.slice(0, 5)} ${year}`;
}
