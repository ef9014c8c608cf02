// Where a spec's values came from. The rest of the package knows values and paths only; a source finds the place again.
import { formatPath, type FieldPlace, type Place, type SpecPath, type SpecProblem } from "./problem.ts";

export interface SpecSource {
  /** What to call it: the file's name, `<stdin>` or `command line`. */
  readonly name: string;
  /** Plain data: maps, lists, strings, numbers, booleans, null. */
  readonly value: unknown;
  /** Where `value` stands inside its document; problems are told with the whole path. */
  readonly base?: SpecPath;
  /** What the document calls a path of `value`, where `value` was made from it in other words. Wins over `base`. */
  readonly pathOf?: (path: SpecPath) => SpecPath;
  /** Place of a value (or of its key); of the nearest enclosing value when the path leads nowhere. */
  locate(path: SpecPath, at?: "key" | "value"): Place;
}

/** A path of a source's value as the whole document has it: `containers[1].memory`. */
export function fullPath(source: SpecSource, path: SpecPath): string {
  return formatPath(source.pathOf?.(path) ?? [...(source.base ?? []), ...path]);
}

/** A field, with the place to show for it. */
export function fieldPlace(source: SpecSource, path: SpecPath, at: "key" | "value" = "value"): FieldPlace {
  return { ...source.locate(path, at), path: fullPath(source, path) };
}

/** A problem at a path of a source. */
export function problemAt(
  source: SpecSource,
  path: SpecPath,
  message: string,
  options: { readonly at?: "key" | "value"; readonly suggestion?: string } = {},
): SpecProblem {
  return {
    ...fieldPlace(source, path, options.at),
    message,
    ...(options.suggestion === undefined ? {} : { suggestion: options.suggestion }),
  };
}

/**
 * Values given by flags. `flags` maps a path (`memory`, `networks[0].ip`) to the flag that set it; deeper paths are
 * told as their nearest parent's flag.
 */
export function flagSource(value: unknown, flags: Readonly<Record<string, string>>): SpecSource {
  return {
    name: "command line",
    value,
    locate: (path) => {
      for (let length = path.length; length > 0; length--) {
        const flag = flags[formatPath(path.slice(0, length))];
        if (flag !== undefined) return { where: flag };
      }
      return { where: "command line" };
    },
  };
}

/** The part of a source below `path`, for documents inside documents (`containers: […]`). */
export function subSource(source: SpecSource, path: SpecPath, value: unknown): SpecSource {
  const base = [...(source.base ?? []), ...path];
  return { name: source.name, value, base, locate: (inner, at) => source.locate([...path, ...inner], at) };
}

/** The same source with values of the same shape worked on already, such as interpolated ones. */
export function withValue(source: SpecSource, value: unknown): SpecSource {
  return {
    name: source.name,
    value,
    ...(source.base === undefined ? {} : { base: source.base }),
    locate: (path, at) => source.locate(path, at),
  };
}
