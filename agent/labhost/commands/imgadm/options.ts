// Arguments as imgadm takes them: options and operands mixed in any order (imgadm.md 1).
import { ImgadmError } from "./errors.ts";

export interface OptionSpec {
  /** `-m`, `--manifest`: every spelling, the first one names it in the result. */
  readonly names: readonly string[];
  readonly takesValue?: boolean;
}

export interface ParsedOptions {
  has(name: string): boolean;
  /** The last value given. */
  value(name: string): string | undefined;
  values(name: string): readonly string[];
  readonly operands: readonly string[];
}

export const HELP: OptionSpec = { names: ["-h", "--help"] };
export const POOL_OPTION: OptionSpec = { names: ["-P"], takesValue: true };
export const TABLE_OPTIONS: readonly OptionSpec[] = [
  { names: ["-H"] },
  { names: ["-j", "--json"] },
  { names: ["-o"], takesValue: true },
  { names: ["-s"], takesValue: true },
];

/** Raises imgadm's `Option` error for what `specs` do not name. */
export function parseOptions(
  args: readonly string[],
  specs: readonly OptionSpec[],
  settings: { readonly stopAtOperand?: boolean } = {},
): ParsedOptions {
  const found = new Map<string, string[]>();
  const operands: string[] = [];
  const rest = [...args];
  const note = (spec: OptionSpec, value: string): void => {
    const name = spec.names[0] ?? "";
    found.set(name, [...(found.get(name) ?? []), value]);
  };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      operands.push(...rest.splice(0));
    } else if (arg.startsWith("--")) {
      const [name, inline] = splitOnce(arg, "=");
      const spec = find(specs, name);
      if (spec.takesValue === true) note(spec, inline ?? take(rest, name));
      else note(spec, "true");
    } else if (arg.startsWith("-") && arg.length > 1) {
      parseShort(arg, specs, rest, note);
    } else {
      operands.push(arg);
      if (settings.stopAtOperand === true) operands.push(...rest.splice(0));
    }
  }
  return {
    has: (name) => found.has(name),
    value: (name) => found.get(name)?.at(-1),
    values: (name) => found.get(name) ?? [],
    operands,
  };
}

/** `-jH`, `-o x`, `-ox`. */
function parseShort(
  arg: string,
  specs: readonly OptionSpec[],
  rest: string[],
  note: (spec: OptionSpec, value: string) => void,
): void {
  for (let i = 1; i < arg.length; i++) {
    const spec = find(specs, `-${arg.charAt(i)}`);
    if (spec.takesValue !== true) {
      note(spec, "true");
      continue;
    }
    const attached = arg.slice(i + 1);
    note(spec, attached === "" ? take(rest, `-${arg.charAt(i)}`) : attached);
    return;
  }
}

function find(specs: readonly OptionSpec[], name: string): OptionSpec {
  const spec = specs.find((candidate) => candidate.names.includes(name));
  if (!spec) throw new ImgadmError("Option", `unknown option: "${name}"`);
  return spec;
}

function take(rest: string[], name: string): string {
  const value = rest.shift();
  if (value === undefined) throw new ImgadmError("Option", `do not have enough args for "${name}" option`);
  return value;
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
