// Lists take filters of both kinds beside each other: Docker's `key=value`, and containerd's grammar.
import { compileFilters, type Adaptor, type Predicate } from "./evaluate.ts";
import { parseFilters } from "./parse.ts";

export interface SplitFilters<T> {
  /** Those that are Docker's, as given. */
  readonly docker: readonly string[];
  /** What holds for an object by the others: any of them; true when there are none. */
  readonly matches: Predicate<T>;
}

/** Docker's key, then one equals sign: containerd's operators have two, or another sign before it. */
const DOCKER = /^[a-z-]+=(?!=)/;

/** @throws AgentError FILTER_INVALID for a bad one of containerd's */
export function splitFilters<T>(texts: readonly string[], adaptor: Adaptor<T>): SplitFilters<T> {
  const docker = texts.filter((text) => DOCKER.test(text));
  const others = texts.filter((text) => !DOCKER.test(text));
  return { docker, matches: compileFilters(parseFilters(others), adaptor) };
}
