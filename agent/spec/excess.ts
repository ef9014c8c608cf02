// Documents too large to be meant are refused before they are parsed: the parser takes seconds for what the lexer sees in
// milliseconds, and resolves each alias by a walk through the whole document.
import { Lexer } from "yaml";

export const MAX_DEPTH = 64;
/** Some four thousand lines. */
const MAX_TOKENS = 40_000;
const MAX_ANCHORS = 200;
const MAX_ALIASES = 200;
const MAX_DOCUMENTS = 500;
/** What the lexer puts before text, before a document, and at the end of a flow collection without one. */
const TEXT_FOLLOWS = "\u001f";
const MARKS = new Set([TEXT_FOLLOWS, "\u0002", "\u0018"]);

export interface Excess {
  readonly offset: number;
  readonly message: string;
}

/** The first place where a text has too much of something. Linear, and done as soon as a limit is reached. */
export function findExcess(text: string): Excess | undefined {
  const counter = new Counter();
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    const message = counter.add(token);
    if (message !== undefined) return { offset, message };
    // Marks the lexer puts in for the parser are no part of the text.
    if (!MARKS.has(token)) offset += token.length;
  }
  return undefined;
}

class Counter {
  #tokens = 0;
  #anchors = 0;
  #aliases = 0;
  #documents = 0;
  /** Brackets open. */
  #flow = 0;
  /** Dashes and question marks of this line, each of which opens a level. */
  #inLine = 0;
  /** Columns of the lines that the current one stands inside of. */
  #columns: number[] = [];
  #previous = "\n";

  add(token: string): string | undefined {
    if (this.#previous.endsWith("\n")) this.#indent(/^ +$/.test(token) ? token.length : 0);
    if (this.#previous !== TEXT_FOLLOWS) this.#count(token);
    this.#previous = token;
    this.#tokens++;
    if (Math.max(this.#flow, this.#inLine, this.#columns.length) > MAX_DEPTH)
      return `nested deeper than ${MAX_DEPTH} levels`;
    if (this.#anchors > MAX_ANCHORS) return `more than ${MAX_ANCHORS} anchors`;
    if (this.#aliases > MAX_ALIASES) return `more than ${MAX_ALIASES} aliases`;
    if (this.#documents > MAX_DOCUMENTS) return `more than ${MAX_DOCUMENTS} documents`;
    if (this.#tokens > MAX_TOKENS) return `more than ${MAX_TOKENS} words and marks: not a spec`;
    return undefined;
  }

  #indent(column: number): void {
    while ((this.#columns.at(-1) ?? -1) >= column) this.#columns.pop();
    this.#columns.push(column);
  }

  #count(token: string): void {
    if (token === "[" || token === "{") this.#flow++;
    else if (token === "]" || token === "}") this.#flow = Math.max(0, this.#flow - 1);
    else if (token === "-" || token === "?") this.#inLine++;
    else if (token === "---") this.#documents++;
    else if (token.startsWith("&")) this.#anchors++;
    else if (token.startsWith("*")) this.#aliases++;
    else if (token.includes("\n")) this.#inLine = 0;
  }
}
