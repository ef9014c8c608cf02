// Compose interpolation (container-specs.md 4; compose-spec 12-interpolation): `$V`, `${V}` and `${V:-d}` `${V-d}`
// `${V:?e}` `${V?e}` `${V:+r}` `${V+r}`, nested, `$$` for `$`. On values only, never on keys.
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";

type Part =
  | string
  | { readonly name: string; readonly operator: "" | "-" | "?" | "+"; readonly colon: boolean; readonly word: Part[] };

const MAX_NESTING = 32;
const MAX_LENGTH = 1024 * 1024;

/** A text cannot be understood, or needs a variable that is not there. */
class InterpolationFault extends Error {}

/** The document with every text interpolated. Complains about broken templates, warns about variables without value. */
export function interpolate(
  value: unknown,
  variables: Readonly<Record<string, string>>,
  report: Report,
  path: SpecPath = [],
): unknown {
  if (typeof value === "string") return value.includes("$") ? interpolateText(value, variables, report, path) : value;
  if (Array.isArray(value)) return value.map((item, i) => interpolate(item, variables, report, [...path, i]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, interpolate(inner, variables, report, [...path, key])]),
  );
}

function interpolateText(
  text: string,
  variables: Readonly<Record<string, string>>,
  report: Report,
  path: SpecPath,
): string {
  try {
    const unset = new Set<string>();
    const result = expand(new Template(text).parse(), variables, unset);
    if (unset.size > 0) report.warn(path, `no value for ${[...unset].join(", ")}: empty text is used`);
    return result;
  } catch (error) {
    if (!(error instanceof InterpolationFault)) throw error;
    report.complain(path, error.message);
    return text;
  }
}

/** Only the branch that is taken counts: an unset variable in an unused default is nobody's business. */
function expand(parts: readonly Part[], variables: Readonly<Record<string, string>>, unset: Set<string>): string {
  const texts = parts.map((part) => {
    if (typeof part === "string") return part;
    const value = Object.hasOwn(variables, part.name) ? variables[part.name] : undefined;
    const present = value !== undefined && !(part.colon && value === "");
    switch (part.operator) {
      case "":
        if (value === undefined) unset.add(part.name);
        return value ?? "";
      case "-":
        return present ? value : expand(part.word, variables, unset);
      case "+":
        return present ? expand(part.word, variables, unset) : "";
      case "?": {
        if (present) return value;
        const message = expand(part.word, variables, unset);
        throw new InterpolationFault(`needs the variable ${part.name}${message === "" ? "" : `: ${message}`}`);
      }
    }
  });
  if (texts.reduce((length, text) => length + text.length, 0) > MAX_LENGTH)
    throw new InterpolationFault(`becomes longer than ${MAX_LENGTH} characters`);
  return texts.join("");
}

/** Recursive descent over one text, every character looked at once. */
class Template {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(nesting = 0): Part[] {
    if (nesting > MAX_NESTING) throw new InterpolationFault(`variables are nested deeper than ${MAX_NESTING} levels`);
    const parts: Part[] = [];
    while (this.#at < this.#text.length && !(nesting > 0 && this.#text[this.#at] === "}")) {
      const literal = this.#take(nesting > 0 ? /[^$}]+/y : /[^$]+/y);
      if (literal !== undefined) parts.push(literal);
      else if (this.#take(/\$\$/y) !== undefined) parts.push("$");
      else parts.push(this.#variable(nesting));
    }
    return parts;
  }

  #variable(nesting: number): Part {
    const start = this.#at;
    const plain = this.#take(/\$[A-Za-z_][A-Za-z0-9_]*/y);
    if (plain !== undefined) return { name: plain.slice(1), operator: "", colon: false, word: [] };
    const braced = this.#take(/\$\{[A-Za-z_][A-Za-z0-9_]*/y);
    if (braced === undefined) throw this.#broken(start);
    const operator = this.#take(/:?[-?+]/y) ?? "";
    const word = operator === "" ? [] : this.parse(nesting + 1);
    if (this.#take(/\}/y) === undefined) throw this.#broken(start);
    return { name: braced.slice(2), operator: operatorOf(operator), colon: operator.startsWith(":"), word };
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #broken(at: number): InterpolationFault {
    const shown = this.#text.slice(at, at + 20);
    return new InterpolationFault(
      `${JSON.stringify(shown)} is no variable; write \${NAME}, with :- - :? ? :+ or + and a word, or $$ for a dollar sign`,
    );
  }
}

function operatorOf(text: string): "" | "-" | "?" | "+" {
  const last = text.at(-1);
  return last === "-" || last === "?" || last === "+" ? last : "";
}
