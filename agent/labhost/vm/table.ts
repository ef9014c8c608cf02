// The table of list (vmadm.md 3.4); pure.
import { valuesAt } from "./filters.ts";
import { textOf, type Payload } from "./json-text.ts";
import { COLUMNS } from "./properties.ts";
import { VmError } from "./vm-error.ts";

const DEFAULT_ORDER = "uuid,type,ram,state,alias";
const DEFAULT_SORT = "ram,uuid";
const NESTED = /^(nics\.\d+|disks\.\d+|tags|customer_metadata|internal_metadata|routes)\.[^.]+$/;
const NESTED_WIDTH = 20;

export interface Columns {
  readonly order: readonly string[];
  readonly sort: readonly { readonly key: string; readonly descending: boolean }[];
}

export function parseColumns(order: unknown, sort: unknown): Columns {
  const fields = text(order, DEFAULT_ORDER).split(",");
  for (const field of fields) {
    if (field.includes("*")) throw new VmError(`Invalid order key: "${field}"`);
    if (!isColumn(field)) throw new VmError(`invalid order field: ${field}`);
  }
  const keys = text(sort, DEFAULT_SORT)
    .split(",")
    .map((field) => ({ key: field.replace(/^[+-]/, ""), descending: field.startsWith("-") }));
  for (const { key } of keys) {
    if (key.includes("*")) throw new VmError(`Invalid sort key: "${key}"`);
    if (!isColumn(key)) throw new VmError(`invalid sort field: ${key}`);
  }
  return { order: fields, sort: keys };
}

function text(option: unknown, fallback: string): string {
  return typeof option === "string" && option !== "" ? option : fallback;
}

function isColumn(key: string): boolean {
  return Object.hasOwn(COLUMNS, key) || NESTED.test(key);
}

export function formatTable(
  vms: readonly Payload[],
  columns: Columns,
  style: { readonly parsable: boolean; readonly header: boolean },
): string {
  const rows = vms.map((vm) => Object.fromEntries(columns.order.map((key) => [key, valuesAt(vm, key)[0]])));
  // Only shown fields exist when sorting: a sort key that is not among them changes nothing.
  rows.sort((a, b) => {
    for (const { key, descending } of columns.sort) {
      const difference = compare(a[key], b[key]);
      if (difference !== 0) return descending ? -difference : difference;
    }
    return 0;
  });
  const lines = rows.map((row) => columns.order.map((key) => cell(row[key], style.parsable)));
  if (style.header) lines.unshift(columns.order.map((key) => COLUMNS[key]?.header ?? key.toUpperCase()));
  const format = style.parsable
    ? (cells: readonly string[]): string => cells.join(":")
    : (cells: readonly string[]): string =>
        cells
          .map((value, index) => value.padEnd(COLUMNS[columns.order[index] ?? ""]?.width ?? NESTED_WIDTH))
          .join("  ")
          .trimEnd();
  return lines.map((cells) => `${format(cells)}\n`).join("");
}

/** Missing, empty and false look alike; the number 0 is shown. */
function cell(value: unknown, parsable: boolean): string {
  if (value === undefined || value === null || value === "" || value === false) return parsable ? "" : "-";
  return textOf(value);
}

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return textOf(a) < textOf(b) ? -1 : 1;
}
