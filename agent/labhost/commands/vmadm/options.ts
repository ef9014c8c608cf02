// Arguments as nopt reads them (vmadm.md 1): options anywhere, `--` ends them, long ones may be abbreviated, an unknown
// one swallows the next word, a number that is none is dropped.
import { readFileSync } from "node:fs";
import { UsageError, VmError } from "../../vm/vm-error.ts";
import type { VmHost } from "./host.ts";

type Kind = "flag" | "text" | "number";

export interface OptionSpec {
  readonly [long: string]: { readonly kind: Kind; readonly short?: string };
}

export interface ParsedArguments {
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly words: readonly string[];
}

const EVERYWHERE: OptionSpec = { verbose: { kind: "flag", short: "v" }, debug: { kind: "flag", short: "d" } };

export function parseArguments(args: readonly string[], spec: OptionSpec): ParsedArguments {
  const known: OptionSpec = { ...EVERYWHERE, ...spec };
  const options: Record<string, string | number | boolean> = {};
  const words: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (/^-{2,}$/.test(word)) {
      words.push(...rest);
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    const combined = expandCombined(word, known);
    if (combined) rest.unshift(...combined);
    else take(word, known, rest, options);
  }
  return { options, words };
}

function take(
  word: string,
  known: OptionSpec,
  rest: string[],
  options: Record<string, string | number | boolean>,
): void {
  const bare = word.replace(/^-+/, "");
  const equals = bare.indexOf("=");
  const given = equals < 0 ? bare : bare.slice(0, equals);
  const name = longName(given, known);
  const kind = name === undefined ? "text" : known[name]?.kind;
  if (kind === "flag") {
    const next = rest[0];
    if (equals >= 0) options[name ?? given] = bare.slice(equals + 1) !== "false";
    else if (next === "true" || next === "false") options[name ?? given] = rest.shift() === "true";
    else options[name ?? given] = true;
    return;
  }
  const value = equals >= 0 ? bare.slice(equals + 1) : optionValue(rest);
  if (name === undefined || value === undefined) return;
  if (kind === "text") options[name] = value;
  else if (value !== "" && !Number.isNaN(Number(value))) options[name] = Number(value);
}

function optionValue(rest: string[]): string | undefined {
  return /^-{2,}$/.test(rest[0] ?? "") ? undefined : rest.shift();
}

function longName(given: string, known: OptionSpec): string | undefined {
  const names = Object.keys(known);
  const short = names.find((name) => known[name]?.short === given);
  if (short !== undefined) return short;
  if (names.includes(given)) return given;
  const candidates = names.filter((name) => name.startsWith(given));
  return given !== "" && candidates.length === 1 ? candidates[0] : undefined;
}

/** `-jr` as `-j -r`, when every letter is a known one. */
function expandCombined(word: string, known: OptionSpec): string[] | undefined {
  if (!/^-[A-Za-z0-9]{2,}$/.test(word) || longName(word.slice(1), known) !== undefined) return undefined;
  const letters = word.slice(1).split("");
  const all = letters.every((letter) => Object.values(known).some((option) => option.short === letter));
  return all ? letters.map((letter) => `-${letter}`) : undefined;
}

const SHAPE = /^.{8}-.{4}-.{4}-.{4}-.{12}$/;

/** Only the shape is checked, as on the platform. */
export function uuidArgument(words: readonly string[], command: string): string {
  const uuid = words[0];
  if (uuid === undefined || !SHAPE.test(uuid)) throw new UsageError(`Invalid or missing UUID for ${command}`);
  return uuid;
}

export const FILE_OPTION: OptionSpec = { file: { kind: "text", short: "f" } };

/** The text of a payload: `-f path`, else stdin, which must not be a terminal. */
export async function payloadText(host: VmHost, file: unknown, ttyMessage: string): Promise<string> {
  if (typeof file !== "string" || file === "-") {
    if (host.context.stdinIsTerminal === true) throw new UsageError(ttyMessage);
    return host.context.stdin();
  }
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new VmError(`File: ${file} does not exist.`);
    throw new VmError(`Error reading: ${file} ${JSON.stringify(error)}`);
  }
}
