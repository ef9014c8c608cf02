// How zfs and zpool write numbers and tables.

const UNITS = ["", "K", "M", "G", "T", "P"];

/** zfs_nicenum: whole multiples without fraction, else as many digits as fit in five characters. */
export function niceNumber(bytes: number): string {
  let power = 0;
  let value = bytes;
  while (value >= 1024 && power < UNITS.length - 1) {
    value /= 1024;
    power++;
  }
  const unit = UNITS[power] ?? "";
  if (Number.isInteger(value)) return `${value}${unit}`;
  for (const digits of [2, 1, 0]) {
    const text = `${value.toFixed(digits)}${unit}`;
    if (text.length <= 5) return text;
  }
  return `${value.toFixed(0)}${unit}`;
}

/** `10g`, `1.5T`, `512`, `none`: bytes, 0 for none; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  if (text === "none") return 0;
  const match = /^(\d+(?:\.\d+)?)([kmgtp])?b?$/i.exec(text);
  if (!match) return undefined;
  const power = match[2] === undefined ? 0 : UNITS.indexOf(match[2].toUpperCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}

export interface Column {
  readonly header: string;
  readonly align: "left" | "right";
}

/** `-H`: tabs and no header. Else padded columns, two blanks between. */
export function formatColumns(columns: readonly Column[], rows: readonly (readonly string[])[], bare: boolean): string {
  if (bare) return rows.map((row) => `${row.join("\t")}\n`).join("");
  const lines = [columns.map((column) => column.header), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? "").length)));
  return lines
    .map((line) =>
      line.map((cell, index) => pad(cell, widths[index] ?? 0, columns[index], index === columns.length - 1)),
    )
    .map((cells) => `${cells.join("  ")}\n`)
    .join("");
}

function pad(cell: string, width: number, column: Column | undefined, last: boolean): string {
  if (column?.align === "right") return cell.padStart(width);
  return last ? cell : cell.padEnd(width);
}
