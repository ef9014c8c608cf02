// The small JSON parser dockerinit is linked with, its limits included (dockerinit.md 1.1): the top level is an object or
// an array, anything after its end is ignored, numbers are 32-bit integers, and the digits of \uXXXX are read as decimal.
import { DockerinitFatal } from "./fatal.ts";

export type NvValue = string | number | boolean | null | readonly NvValue[] | ReadonlyMap<string, NvValue>;

class Parser {
  #at = 0;
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }

  top(): NvValue {
    this.#space();
    const first = this.#text[this.#at];
    if (first !== "[" && first !== "{") throw this.#wrong();
    return this.#value();
  }

  #value(): NvValue {
    this.#space();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #object(): NvValue {
    const entries = new Map<string, NvValue>();
    this.#at++;
    if (this.#take("}")) return entries;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#wrong();
      const key = this.#string();
      if (!this.#take(":")) throw this.#wrong();
      entries.set(key, this.#value());
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#wrong();
    return entries;
  }

  #array(): NvValue {
    const elements: NvValue[] = [];
    this.#at++;
    if (this.#take("]")) return elements;
    do elements.push(this.#value());
    while (this.#take(","));
    if (!this.#take("]")) throw this.#wrong();
    return elements;
  }

  #string(): string {
    let text = "";
    for (this.#at++; ; this.#at++) {
      const char = this.#text[this.#at];
      if (char === undefined || char < " ") throw this.#wrong();
      if (char === '"') break;
      text += char === "\\" ? this.#escape() : char;
    }
    this.#at++;
    const nul = text.indexOf("\0");
    return nul < 0 ? text : text.slice(0, nul); // C strings end there
  }

  #escape(): string {
    const char = this.#text[++this.#at] ?? "";
    if (char === "u") {
      const digits = this.#text.slice(this.#at + 1, this.#at + 5);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#wrong();
      this.#at += 4;
      const value = Number(/^\d*/.exec(digits)?.[0] ?? 0); // atoi: decimal, up to the first letter
      if (value > 127) throw this.#wrong();
      return String.fromCharCode(value);
    }
    const named: Readonly<Record<string, string>> = {
      '"': '"',
      "\\": "\\",
      "/": "/",
      b: "\b",
      f: "\f",
      n: "\n",
      r: "\r",
      t: "\t",
    };
    const meaning = named[char];
    if (meaning === undefined) throw this.#wrong();
    return meaning;
  }

  #scalar(): NvValue {
    const word = /^(?:true|false|null|-?\d+)(?![\w.+-])/.exec(this.#text.slice(this.#at, this.#at + 24))?.[0];
    if (word === undefined) throw this.#wrong();
    this.#at += word.length;
    if (word === "null") return null;
    if (word === "true" || word === "false") return word === "true";
    const number = Number(word);
    if (number < -(2 ** 31) || number >= 2 ** 31) throw this.#wrong();
    return number;
  }

  #take(char: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (/^[ \t\r\n]$/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #wrong(): SyntaxError {
    return new SyntaxError(`unexpected ${this.#at < this.#text.length ? "character" : "end"} at ${this.#at}`);
  }
}

/** Throws DockerinitFatal 20. `key` is the metadata key the text came from. */
export function parseNvlist(key: string, text: string): NvValue {
  try {
    return new Parser(text).top();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new DockerinitFatal(20, `failed to parse JSON(${key}): ${error.message}`);
  }
}

/** A list of strings; throws DockerinitFatal 20 (syntax) or 1 (another shape). */
export function parseStringArray(key: string, text: string): string[] {
  const value = parseNvlist(key, text);
  if (!Array.isArray(value)) throw new DockerinitFatal(1, `array "${key}" is missing "length" property`);
  return value.map((element: NvValue, index) => {
    if (typeof element !== "string") throw new DockerinitFatal(1, `array "${key}" missing string @ index [${index}]`);
    return element;
  });
}
