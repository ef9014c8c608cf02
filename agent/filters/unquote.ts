// Quoted literals of the filter grammar: bytes between the quotes, escapes resolved (events-and-filters.md 4.4).

const SIMPLE: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
};
const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/**
 * The text a literal stands for; undefined where an escape names a byte or code point that does not exist. `literal` has
 * its quotes and came through the scanner, so that every escape is one of the grammar's.
 */
export function unquote(literal: Uint8Array): string | undefined {
  const bytes: number[] = [];
  const last = literal.length - 1;
  for (let i = 1; i < last;) {
    const byte = literal[i++] ?? 0;
    if (byte !== 0x5c) {
      bytes.push(byte);
      continue;
    }
    const kind = String.fromCharCode(literal[i] ?? 0);
    const digits = DIGITS[kind];
    if (digits !== undefined) {
      const code = parseInt(ascii(literal, i + 1, digits), 16);
      i += 1 + digits;
      if (kind === "x") bytes.push(code);
      else if (code > 0x10ffff) return undefined;
      else bytes.push(...Buffer.from(String.fromCodePoint(code), "utf8"));
    } else if (kind >= "0" && kind <= "7") {
      const code = parseInt(ascii(literal, i, 3), 8);
      i += 3;
      if (code > 0xff) return undefined;
      bytes.push(code);
    } else {
      bytes.push(SIMPLE[kind] ?? kind.charCodeAt(0));
      i++;
    }
  }
  return textOfBytes(Uint8Array.from(bytes));
}

/**
 * Bytes as text. What is no UTF-8 keeps each stray byte as a lone surrogate (U+DC80 and up), which no text of ours
 * contains: such a literal equals nothing, and differs from everything, as bytes would.
 */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join("");
  }
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
