// Options of zfs and zpool: single letters, options before operands.

/** Wrong usage: message and usage on stderr, exit 2. */
export class UsageError extends Error {}

export interface Arguments {
  has(letter: string): boolean;
  value(letter: string): string | undefined;
  values(letter: string): readonly string[];
  readonly operands: readonly string[];
}

/** `spec` is getopt's: `Hpo:`. Letters may be bundled, a value may be attached. */
export function parseArguments(args: readonly string[], spec: string): Arguments {
  const found = new Map<string, string[]>();
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      at++;
      break;
    }
    if (!arg.startsWith("-") || arg === "-") break;
    for (let i = 1; i < arg.length; i++) {
      const letter = arg.charAt(i);
      const place = spec.indexOf(letter);
      if (place < 0 || letter === ":") throw new UsageError(`invalid option '${letter}'`);
      let value = "";
      const takesValue = spec.charAt(place + 1) === ":";
      if (takesValue) {
        const next = arg.length > i + 1 ? arg.slice(i + 1) : args[++at];
        if (next === undefined) throw new UsageError(`missing argument for '${letter}' option`);
        value = next;
      }
      found.set(letter, [...(found.get(letter) ?? []), value]);
      if (takesValue) break;
    }
  }
  return {
    has: (letter) => found.has(letter),
    value: (letter) => found.get(letter)?.at(-1),
    values: (letter) => found.get(letter) ?? [],
    operands: args.slice(at),
  };
}
