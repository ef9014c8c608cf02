// Text to plain data with positions: YAML 1.2 (core schema, merge keys) or strict JSON.
//
// Whoever writes a spec may be a tenant, so the text is hostile until it is data: size, alias and depth limits,
// duplicate keys and `__proto__` refused, no custom tags.
import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type YAMLMap,
} from "yaml";
import { KIB } from "../util/units.ts";
import { findExcess, MAX_DEPTH } from "./excess.ts";
import { formatPath, specError, type Place, type SpecPath, type SpecProblem } from "./problem.ts";
import type { SpecSource } from "./source.ts";
import { checkJson, isJson } from "./strict-json.ts";

/** Larger ones are no specs, and cost time before that can be said of their contents. */
export const MAX_SPEC_BYTES = 512 * KIB;
/** Of one anchor, what they stand for counted in. */
const MAX_ALIASES = 100;

/**
 * The documents of a text, empty ones left out. JSON is read strictly when the name ends in `.json`, or when the text
 * begins like JSON and the name does not say YAML. Raises SPEC_SYNTAX with every syntax error and its place.
 */
export function parseSpecText(text: string, name: string): SpecSource[] {
  if (Buffer.byteLength(text) > MAX_SPEC_BYTES)
    throw specError("SPEC_SYNTAX", [{ where: name, file: name, path: "", message: "larger than 512 KiB: not a spec" }]);
  const places = new Places(name, text);
  if (isJson(text, name)) checkJson(text, (offset) => places.at(offset));
  const excess = findExcess(text);
  if (excess !== undefined)
    throw specError("SPEC_SYNTAX", [{ ...places.at(excess.offset), path: "", message: excess.message }]);
  const documents = parseDocuments(text, places);
  const problems: SpecProblem[] = [];
  const sources: SpecSource[] = [];
  for (const document of documents) {
    for (const error of document.errors)
      problems.push({ ...places.at(error.pos[0]), path: "", message: lowerFirst(error.message.split("\n")[0] ?? "") });
    for (const warning of document.warnings)
      problems.push({
        ...places.at(warning.pos[0]),
        path: "",
        message: lowerFirst(warning.message.split("\n")[0] ?? ""),
      });
    if (document.errors.length > 0) continue;
    problems.push(...structureProblems(document, places));
    if (problems.length > 0) continue;
    const value = toPlainData(document, places);
    if (value !== null && value !== undefined) sources.push(new YamlSource(document, value, places));
  }
  if (problems.length > 0) throw specError("SPEC_SYNTAX", problems);
  if (sources.length === 0)
    throw specError("SPEC_SYNTAX", [{ where: name, file: name, path: "", message: "the file holds no document" }]);
  return sources;
}

class Places {
  readonly name: string;
  readonly counter = new LineCounter();
  readonly #text: string;

  constructor(name: string, text: string) {
    this.name = name;
    this.#text = text;
    for (let i = 0; i !== -1; i = text.indexOf("\n", i) + 1 || -1) this.counter.addNewLine(i);
  }

  at(offset: number): Place {
    const { line, col } = this.counter.linePos(offset);
    const start = this.counter.lineStarts[line - 1];
    const end = this.#text.indexOf("\n", start);
    const excerpt =
      start === undefined ? undefined : this.#text.slice(start, end === -1 ? undefined : end).replace(/\r$/, "");
    return {
      where: `${this.name}:${line}:${col}`,
      file: this.name,
      line,
      column: col,
      ...(excerpt === undefined ? {} : { excerpt }),
    };
  }
}

class YamlSource implements SpecSource {
  readonly name: string;
  readonly value: unknown;
  readonly #document: Document.Parsed;
  readonly #places: Places;

  constructor(document: Document.Parsed, value: unknown, places: Places) {
    this.name = places.name;
    this.value = value;
    this.#document = document;
    this.#places = places;
  }

  locate(path: SpecPath, at: "key" | "value" = "value"): Place {
    let node: unknown = this.#document.contents;
    let offset = startOf(node) ?? this.#document.range[0];
    for (const [depth, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document);
      const found = child(node, step);
      if (!found) break;
      const last = depth === path.length - 1;
      // An empty value (`memory:`) has no place of its own worth pointing at.
      const start = (last && at === "key") || isEmpty(found.value) ? (found.key ?? found.value) : found.value;
      offset = startOf(start) ?? offset;
      node = found.value;
    }
    return this.#places.at(offset);
  }
}

function child(node: unknown, step: string | number): { key?: unknown; value: unknown } | undefined {
  if (isSeq(node) && typeof step === "number") {
    const value: unknown = node.items[step];
    return value === undefined ? undefined : { value };
  }
  if (!isMap(node)) return undefined;
  const pair = pairsOf(node).get(String(step));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}

/** Complaints come by the thousand for hostile documents: each map is indexed once. */
const indexes = new WeakMap<object, ReadonlyMap<string, { readonly key: unknown; readonly value: unknown }>>();

function pairsOf(map: YAMLMap): ReadonlyMap<string, { readonly key: unknown; readonly value: unknown }> {
  const known = indexes.get(map);
  if (known !== undefined) return known;
  const index = new Map(map.items.map((pair) => [keyText(pair.key), pair]));
  indexes.set(map, index);
  return index;
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null && node.source === "");
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range)) return undefined;
  const start: unknown = node.range[0];
  return typeof start === "number" ? start : undefined;
}

function parseDocuments(text: string, places: Places): Document.Parsed[] {
  try {
    const parsed = parseAllDocuments(text, {
      version: "1.2",
      schema: "core",
      merge: true,
      // The parser would compare every key with every other one; `structureProblems` looks.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
    });
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(places);
    throw error;
  }
}

function toPlainData(document: Document.Parsed, places: Places): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return value;
  } catch (error) {
    // Excessive aliases, an alias without its anchor, or a merge key whose value hides behind another alias.
    if (error instanceof ReferenceError || (error instanceof Error && error.message.startsWith("Merge sources")))
      throw specError("SPEC_SYNTAX", [
        { ...places.at(document.range[0]), path: "", message: lowerFirst(error.message) },
      ]);
    if (error instanceof RangeError) throw tooDeep(places);
    throw error;
  }
}

function tooDeep(places: Places): Error {
  return specError("SPEC_SYNTAX", [
    { where: places.name, file: places.name, path: "", message: `nested deeper than ${MAX_DEPTH} levels` },
  ]);
}

function structureProblems(document: Document.Parsed, places: Places): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const complain = (node: unknown, path: SpecPath, message: string): void => {
    problems.push({ ...places.at(startOf(node) ?? document.range[0]), path: formatPath(path), message });
  };
  visit(document, {
    // `0440`, `1.10` or `0x1f` would lose their form as numbers: they stay the text they are.
    Scalar: (_, scalar) => {
      if (typeof scalar.value === "number" && scalar.source !== undefined && String(scalar.value) !== scalar.source)
        scalar.value = scalar.source;
    },
    Alias: (_, alias, ancestors) => {
      if (ancestors.some((a) => isCollection(a) && a.anchor === alias.source))
        complain(alias, [], `the alias "*${alias.source}" stands inside of what it names`);
    },
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) complain(key, [], "map keys must be unique");
        seen.add(key.value);
      }
    },
    Pair: (_, pair) => {
      if (isScalar(pair.key) && pair.key.value === "__proto__")
        complain(pair.key, [], 'the key "__proto__" is refused');
      if (isScalar(pair.key) && typeof pair.key.value === "symbol" && !isMergeSource(pair.value, document))
        complain(pair.key, [], 'the value of the merge key "<<" must be a map, an alias of one, or a list of these');
      if (!isScalar(pair.key)) complain(pair.key, [], "a key must be a plain word or a quoted string");
    },
    Node: (_, node, ancestors) => {
      if (ancestors.filter((a) => !isPair(a)).length <= MAX_DEPTH) return undefined;
      complain(node, [], `nested deeper than ${MAX_DEPTH} levels`);
      return visit.BREAK;
    },
  });
  return problems;
}

/** A merge key's own value is a symbol in this parser; a quoted `"<<"` is an ordinary key. */
function isMergeSource(node: unknown, document: Document.Parsed): boolean {
  const source = resolved(node, document);
  return isSeq(source) ? source.items.every((item) => isMap(resolved(item, document))) : isMap(source);
}

function resolved(node: unknown, document: Document.Parsed): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
