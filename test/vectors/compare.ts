// Comparing as the vectors' README says: objects of an expectation are subsets, arrays and scalars are exact.
import type { Difference } from "./vector.ts";

export type Path = readonly string[];

/** Every place where `got` is not what `expected` says. */
export function subsetDifferences(expected: unknown, got: unknown, path: Path = []): Difference[] {
  return differences(expected, got, path, false);
}

/** The same, and every member of an object that the expectation does not have. */
export function equalDifferences(expected: unknown, got: unknown, path: Path = []): Difference[] {
  return differences(expected, got, path, true);
}

function differences(expected: unknown, got: unknown, path: Path, equal: boolean): Difference[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(got) || got.length !== expected.length) return [{ path: told(path), expected, got }];
    return expected.flatMap((item: unknown, i) => differences(item, got[i], [...path, String(i)], equal));
  }
  if (isObject(expected)) {
    if (!isObject(got)) return [{ path: told(path), expected, got }];
    const more = equal ? Object.keys(got).filter((key) => !Object.hasOwn(expected, key)) : [];
    return [...Object.keys(expected), ...more].flatMap((key) =>
      differences(own(expected, key), own(got, key), [...path, key], equal),
    );
  }
  return expected === got ? [] : [{ path: told(path), expected, got }];
}

/** The members of the object at `place` that the expectation's has not. */
export function exactDifferences(expected: unknown, got: unknown, place: Path, path: Path = []): Difference[] {
  const [wanted, given] = [at(expected, place), at(got, place)];
  if (!isObject(given)) return [];
  return Object.keys(given)
    .filter((key) => !isObject(wanted) || !Object.hasOwn(wanted, key))
    .map((key) => ({ path: told([...path, ...place, key]), expected: undefined, got: given[key] }));
}

export function absentDifferences(got: unknown, place: Path, path: Path = []): Difference[] {
  const value = at(got, place);
  return value === undefined || value === null
    ? []
    : [{ path: told([...path, ...place]), expected: undefined, got: value }];
}

/** A document as JSON carries it: what JSON drops is dropped. */
export function asJson(document: unknown): unknown {
  const text = JSON.stringify(document) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

export function at(document: unknown, place: Path): unknown {
  return place.reduce((inner, key) => (typeof inner === "object" && inner !== null ? own(inner, key) : undefined), document); // prettier-ignore
}

function own(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function told(path: Path): string {
  return path.join(".");
}
