// Tars made of headers written by hand, so that they can be wrong in any way.
export interface RawEntry {
  readonly name: string;
  readonly type?: string;
  readonly content?: string;
  readonly target?: string;
  readonly mode?: number;
  readonly mtime?: number;
  /** Claimed size, where it shall differ from the content's. */
  readonly size?: number;
  /** PAX records before the entry. */
  readonly pax?: Readonly<Record<string, string>>;
}

export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(rawEntry), Buffer.alloc(1024)]);
}

function rawEntry({ pax, ...entry }: RawEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? "");
  const header = Buffer.alloc(512);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(entry.name, 0, 100);
  header.write(octal(entry.mode ?? 0o644, 7) + octal(0, 7) + octal(0, 7), 100);
  header.write(octal(entry.size ?? content.length, 11) + octal(entry.mtime ?? 1_500_000_000, 11), 124);
  header.write(`        ${entry.type ?? "0"}`, 148);
  header.write(entry.target ?? "", 157, 100);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  content.copy(body);
  return [
    ...(pax === undefined ? [] : rawEntry({ name: "PaxHeader", type: "x", content: paxBody(pax) })),
    header,
    body,
  ];
}

function paxBody(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      const length = rest + String(rest + String(rest).length).length;
      return `${length} ${key}=${value}\n`;
    })
    .join("");
}
