// The parser of containerd's filter grammar, with its error texts and byte positions (events-and-filters.md 4.1 and 4.5).
import { AgentError } from "../errors/agent-error.ts";
import { Scanner, type Token } from "./scanner.ts";
import { textOfBytes, unquote } from "./unquote.ts";

/** How a selector tests its field: that it is present, equal, different, or matched by an RE2 expression. */
export type Operator = "present" | "==" | "!=" | "~=";

export interface Selector {
  /** Parts of the field's path; a map's key is its tail, joined with dots. */
  readonly path: readonly string[];
  readonly operator: Operator;
  /** Empty for `present`. */
  readonly value: string;
}

/** Selectors that all have to hold; an empty list holds for everything. */
export type Filter = readonly Selector[];

/** A filter may be given as bytes, as texts that are no UTF-8 have positions, too. */
export type FilterText = string | Uint8Array;

/**
 * A list of filters, any of which has to hold; an empty list and an empty text hold for everything.
 * @throws AgentError FILTER_INVALID for the first bad one; its details have `filterIndex`, `position` (byte offset) and `detail`
 */
export function parseFilters(texts: readonly FilterText[]): readonly Filter[] {
  return texts.map((text, index) => {
    try {
      return parseFilter(text);
    } catch (error) {
      if (!(error instanceof FilterProblem)) throw error;
      throw new AgentError("FILTER_INVALID", `${error.message}: invalid argument`, {
        hint: hintFor(error),
        details: { filterIndex: index, position: error.position, detail: error.detail },
      });
    }
  });
}

/**
 * One filter.
 * @throws FilterProblem with containerd's words
 */
export function parseFilter(text: FilterText): Filter {
  const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
  return bytes.length === 0 ? [] : new Parser(bytes).selectors();
}

/** A text that is no filter. The message is containerd's: the input with the byte in question marked, and what is wrong. */
export class FilterProblem extends Error {
  override readonly name = "FilterProblem";
  /** Offset in bytes; the input's length where the end was the problem. */
  readonly position: number;
  readonly atEnd: boolean;
  /** The last part of the message. */
  readonly detail: string;

  constructor(bytes: Uint8Array, position: number, detail: string) {
    const show = (start: number, end?: number): string => Buffer.from(bytes.subarray(start, end)).toString("utf8");
    const atEnd = position >= bytes.length;
    const marked = atEnd ? show(0) : `${show(0, position)} >|${show(position, position + 1)}|< ${show(position + 1)}`;
    super(`filters: parse error: [${marked}]: ${detail}`);
    this.position = position;
    this.atEnd = atEnd;
    this.detail = detail;
  }
}

const OPERATORS = new Map<string, Operator>([
  ["==", "=="],
  ["!=", "!="],
  ["~=", "~="],
]);

class Parser {
  private readonly bytes: Uint8Array;
  private readonly scanner: Scanner;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.scanner = new Scanner(bytes);
  }

  selectors(): Selector[] {
    const selectors = [this.selector()];
    for (;;) {
      const ahead = this.scanner.lookAhead();
      if (ahead === "") return selectors;
      if (ahead !== ",") throw this.problem(this.scanner.position, `unexpected input: ${this.scanner.describeNext()}`);
      this.scanner.scan();
      selectors.push(this.selector());
    }
  }

  private selector(): Selector {
    const path = this.path();
    const ahead = this.scanner.lookAhead();
    if (ahead === "," || ahead === "") return { path, operator: "present", value: "" };
    const operator = this.operator();
    return { path, operator, value: this.value(operator === "~=") };
  }

  private path(): string[] {
    const path = [this.field()];
    while (this.scanner.lookAhead() === ".") {
      this.scanner.scan();
      path.push(this.field());
    }
    return path;
  }

  private field(): string {
    const token = this.scan();
    if (token.kind === "field") return this.textOf(token);
    if (token.kind === "quoted") return this.unquoted(token, false);
    throw this.problem(token.start, "expected field or quoted");
  }

  private operator(): Operator {
    const token = this.scan();
    if (token.kind !== "operator") throw this.problem(token.start, 'expected an operator ("=="|"!="|"~=")');
    const text = this.textOf(token);
    const operator = OPERATORS.get(text);
    if (!operator) throw this.problem(token.start, `unsupported operator "${text}"`);
    return operator;
  }

  private value(anyQuotes: boolean): string {
    const token = this.scan();
    if (token.kind === "value" || token.kind === "field") return this.textOf(token);
    if (token.kind === "quoted") return this.unquoted(token, anyQuotes);
    throw this.problem(token.start, "expected value or quoted");
  }

  private scan(): Token {
    const token = this.scanner.scan();
    if (token.kind === "illegal") throw this.problem(token.start, this.scanner.problem);
    return token;
  }

  private unquoted(token: Token, anyQuotes: boolean): string {
    if (!anyQuotes && this.bytes[token.start] !== 0x22) throw this.problem(token.start, "invalid quote encountered");
    const text = unquote(this.bytes.subarray(token.start, token.end));
    if (text === undefined) throw this.problem(token.start, "unquoting failed: quote syntax error");
    return text;
  }

  private textOf(token: Token): string {
    return textOfBytes(this.bytes.subarray(token.start, token.end));
  }

  private problem(position: number, detail: string): FilterProblem {
    return new FilterProblem(this.bytes, position, detail);
  }
}

/** The mistakes of the reference's table, by what they look like. */
function hintFor(problem: FilterProblem): string {
  if (problem.detail === "invalid quote encountered" || problem.detail === "quoted literal not terminated")
    return 'a value or label key with "/" or "|" needs double quotes, e.g. topic=="/tasks/exit"';
  if (problem.detail.startsWith("unsupported operator")) return "the operators are ==, != and ~=";
  if (problem.detail.startsWith("expected an operator") || problem.detail.startsWith("unexpected input"))
    return 'quote label keys and values with other characters, e.g. labels."my-label"=="a b"; no space before a comma';
  return 'e.g. labels.app==web,image~="nginx"';
}
