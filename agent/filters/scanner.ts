// The lexer of containerd's filter grammar (events-and-filters.md 4.1). It works on bytes of UTF-8, because the
// positions in its errors are byte offsets and because its quoted literals may hold single bytes.

/** What stands at a position. `other` is a character that begins no token; `illegal` carries the scanner's complaint. */
export type TokenKind = "end" | "separator" | "operator" | "field" | "quoted" | "value" | "illegal" | "other";

export interface Token {
  readonly kind: TokenKind;
  /** Offset in bytes of the token's first byte; at the end, the length of the input. */
  readonly start: number;
  /** Offset behind its last byte. */
  readonly end: number;
}

/** A code point, or why there is none. */
const END = -1;
const ILLEGAL = -2;

const SPACE = /^\p{White_Space}$/u;
/** Graphic, letter, number or punctuation; the white space among them ends a value all the same. */
const VALUE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

const QUOTES = codes('/|"');
const SEPARATORS = codes(",.");
const OPERATORS = codes("=!~");
const SIMPLE_ESCAPES = codes("abfnrtv\\");

function codes(text: string): ReadonlySet<number> {
  return new Set(Array.from(text, (character) => character.charCodeAt(0)));
}

export class Scanner {
  private readonly bytes: Uint8Array;
  private at = 0;
  /** Behind an operator a word may hold more than a field's characters. */
  private wantsValue = false;
  private complaint = "";

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Offset of the next unread byte. */
  get position(): number {
    return this.at;
  }

  /** What was wrong with the first token that was illegal. */
  get problem(): string {
    return this.complaint;
  }

  /** The next code point without reading it: `","`, `"."`, `""` at the end, `undefined` for anything else. */
  lookAhead(): "," | "." | "" | undefined {
    if (this.at >= this.bytes.length) return "";
    if (this.bytes[this.at] === 0x2c) return ",";
    return this.bytes[this.at] === 0x2e ? "." : undefined;
  }

  /** The next code point, for a message; the replacement character where there is none. */
  describeNext(): string {
    const { code } = this.decode(this.at);
    return code <= 0 ? "\ufffd" : String.fromCodePoint(code);
  }

  /** Reads one token; white space before it is passed over. */
  scan(): Token {
    let start = this.at;
    let code = this.next();
    while (code > 0 && isSpace(code)) {
      start = this.at;
      code = this.next();
    }
    return { kind: this.tokenOf(code), start, end: this.at };
  }

  private tokenOf(code: number): TokenKind {
    if (code === END) return "end";
    if (code === ILLEGAL) return "illegal";
    if (QUOTES.has(code)) return this.scanQuoted(code) ? "quoted" : "illegal";
    if (SEPARATORS.has(code)) {
      this.wantsValue = false;
      return "separator";
    }
    if (OPERATORS.has(code)) {
      this.skipWhile((next) => OPERATORS.has(next));
      this.wantsValue = true;
      return "operator";
    }
    if (this.wantsValue) {
      if (!isValue(code)) return "other";
      this.skipWhile(isValue);
      this.wantsValue = false;
      return "value";
    }
    if (!isField(code)) return "other";
    this.skipWhile(isField);
    return "field";
  }

  private skipWhile(belongs: (code: number) => boolean): void {
    for (;;) {
      const { code, width } = this.decode(this.at);
      if (code <= 0 || !belongs(code)) return;
      this.at += width;
    }
  }

  /** Reads to the closing quote; bad escapes are read over, so that the literal's end is found all the same. */
  private scanQuoted(quote: number): boolean {
    let legal = true;
    let code = this.next();
    while (code !== quote) {
      if (code === 0x0a || code < 0) {
        this.complain("quoted literal not terminated");
        return false;
      }
      if (code === 0x5c) {
        const escape = this.scanEscape(quote);
        legal &&= escape.legal;
        code = escape.next;
      } else {
        code = this.next();
      }
    }
    return legal;
  }

  private scanEscape(quote: number): { readonly next: number; readonly legal: boolean } {
    const code = this.next();
    if (SIMPLE_ESCAPES.has(code) || code === quote) return { next: this.next(), legal: true };
    if (code >= 0x30 && code <= 0x37) return this.scanDigits(code, 8, 3);
    if (code === 0x78) return this.scanDigits(this.next(), 16, 2);
    if (code === 0x75) return this.scanDigits(this.next(), 16, 4);
    if (code === 0x55) return this.scanDigits(this.next(), 16, 8);
    this.complain("illegal escape sequence");
    return { next: code, legal: false };
  }

  private scanDigits(first: number, base: number, count: number): { readonly next: number; readonly legal: boolean } {
    let code = first;
    let missing = count;
    while (missing > 0 && digitOf(code) < base) {
      code = this.next();
      missing--;
    }
    if (missing > 0) this.complain("illegal numeric escape sequence");
    return { next: code, legal: missing === 0 };
  }

  private next(): number {
    const { code, width, problem } = this.decode(this.at);
    this.at += width;
    if (problem !== undefined) this.complain(problem);
    return code;
  }

  private decode(at: number): { readonly code: number; readonly width: number; readonly problem?: string } {
    const first = this.bytes[at];
    if (first === undefined) return { code: END, width: 0 };
    if (first === 0) return { code: ILLEGAL, width: 1, problem: "unexpected null" };
    if (first < 0x80) return { code: first, width: 1 };
    const width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    const code = UTF8.decode(this.bytes.subarray(at, at + width)).codePointAt(0);
    // A replacement character is an error even where it was written, as in the original.
    if (code === undefined || code === 0xfffd) return { code: ILLEGAL, width: 1, problem: "rune error" };
    return { code, width };
  }

  private complain(text: string): void {
    if (this.complaint === "") this.complaint = text;
  }
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

function isField(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f
  );
}

function isSpace(code: number): boolean {
  return code < 0x80 ? code === 0x20 || (code >= 0x09 && code <= 0x0d) : SPACE.test(String.fromCodePoint(code));
}

function isValue(code: number): boolean {
  if (code < 0x80) return code > 0x20 && code !== 0x2c && code !== 0x7f;
  return VALUE.test(String.fromCodePoint(code));
}

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  if (code >= 0x41 && code <= 0x46) return code - 0x41 + 10;
  return 16;
}
