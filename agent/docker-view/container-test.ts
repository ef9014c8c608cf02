// Parts that filters are put together of.
import type { ContainerFacts } from "./facts.ts";

export type ContainerTest = (facts: ContainerFacts) => boolean;

/** Values of one filter are alternatives; none restrict nothing. */
export function anyOf(
  values: readonly string[] | undefined,
  testOf: (value: string) => ContainerTest,
): ContainerTest[] {
  const tests = (values ?? []).map(testOf);
  return tests.length === 0 ? [] : [(facts) => tests.some((test) => test(facts))];
}
