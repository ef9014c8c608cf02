// From parsed filters to one predicate over one kind of object. The work on paths is done once, so that a match costs a
// few property reads.
import { compileExpression, type BadExpression } from "./expression.ts";
import type { Filter, Selector } from "./parse.ts";

/** Reads one field of an object; undefined: not present. */
export type FieldReader<T> = (object: T) => string | undefined;

/** What filters can reach in a kind of object: from a path to its reader; undefined: no such field, never present. */
export type Adaptor<T> = (path: readonly string[]) => FieldReader<T> | undefined;

export type Predicate<T> = (object: T) => boolean;

/** One predicate for a list of filters: any of them, and each with all of its selectors. */
export function compileFilters<T>(
  filters: readonly Filter[],
  adaptor: Adaptor<T>,
  onBad?: BadExpression,
): Predicate<T> {
  if (filters.length === 0 || filters.some((filter) => filter.length === 0)) return () => true;
  const alternatives = filters.map((filter) =>
    all(filter.map((selector) => compileSelector(selector, adaptor, onBad))),
  );
  const [first, ...others] = alternatives;
  if (first !== undefined && others.length === 0) return first;
  return (object) => alternatives.some((holds) => holds(object));
}

function all<T>(tests: readonly Predicate<T>[]): Predicate<T> {
  const [first, second, ...others] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (others.length === 0) return (object) => first(object) && second(object);
  return (object) => tests.every((holds) => holds(object));
}

function compileSelector<T>(selector: Selector, adaptor: Adaptor<T>, onBad?: BadExpression): Predicate<T> {
  const read = adaptor(selector.path) ?? absent;
  const { value } = selector;
  switch (selector.operator) {
    case "present":
      return (object) => read(object) !== undefined;
    case "==":
      return (object) => read(object) === value;
    case "!=":
      return (object) => (read(object) ?? "") !== value;
    case "~=": {
      const matches = compileExpression(value, onBad);
      return (object) => matches(read(object) ?? "");
    }
  }
}

function absent(): undefined {
  return undefined;
}
