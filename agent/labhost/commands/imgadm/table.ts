// Tables as imgadm prints them (imgadm.md 3).

export type Row = Readonly<Record<string, unknown>>;

/** No rows is no output at all, not even a header. Columns are padded to the widest cell; nothing trails. */
export function formatTable(columns: readonly string[], rows: readonly Row[], header: boolean): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) => columns.map((column) => formatCell(row[column])));
  if (header) cells.unshift(columns.map((column) => column.toUpperCase()));
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => (line[index] ?? "").length)));
  return cells
    .map((line) => line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function formatCell(value: unknown): string {
  if (value === undefined || value === null) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Sorts by `keys`, a leading `-` reverses one; rows without the key come first (imgadm.md 11). */
export function sortRows<T extends Row>(rows: readonly T[], keys: readonly string[]): T[] {
  return [...rows].sort((a, b) => {
    for (const key of keys) {
      const reverse = key.startsWith("-");
      const field = reverse ? key.slice(1) : key;
      const order = compare(a[field], b[field]);
      if (order !== 0) return reverse ? -order : order;
    }
    return 0;
  });
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : -1;
  if (b === undefined || b === null) return 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  const left = formatCell(a);
  const right = formatCell(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** bytes / 1024^n cut, not rounded, to one decimal (imgadm.md 1). */
export function humanSize(bytes: number): string {
  if (bytes === 0) return "0 B";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(Math.floor((bytes / 1024 ** power) * 10) / 10).toFixed(1)} ${units[power] ?? "B"}`;
}
