// What `GET /containers/json` and `zonelet ps` ask for.
import type { ContainerFacts } from "./facts.ts";
import type { Filters } from "./sdc-filters.ts";

export interface ListQuery {
  /** Also those that do not run. */
  readonly all: boolean;
  /** Of the newest; undefined and what is not positive: no limit. A limit implies `all`, as do `before` and `since`. */
  readonly limit?: number | undefined;
  readonly before?: string | undefined;
  readonly since?: string | undefined;
  readonly filters: Filters;
}

/** Newest first; those whose time is not known come last. The order of equal ones is kept. */
export function newestFirst(containers: readonly ContainerFacts[]): ContainerFacts[] {
  return containers.toSorted((a, b) => createdMs(b) - createdMs(a));
}

export function createdMs(facts: ContainerFacts): number {
  return facts.createdAt?.getTime() ?? 0;
}

/** Docker's booleans in a query: false for absent, empty, `0`, `no`, `none`, `false`. */
export function queryFlag(value: string | undefined): boolean {
  return !["", "0", "no", "none", "false"].includes((value ?? "").trim().toLowerCase());
}
