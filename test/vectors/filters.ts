// Filter vectors: one file, many cases.
import { FilterVectorFile, filterOutcome } from "./filter-outcome.ts";
import { asJson, equalDifferences } from "./compare.ts";
import { outcomeOf, type VectorFamily } from "./vector.ts";

export const filterVectors: VectorFamily = {
  name: "filters",
  kinds: ["syntax: containerd", "syntax: docker"],
  cases({ json }) {
    if (typeof json !== "object" || json === null || !("syntax" in json) || !("corpora" in json)) return undefined;
    const file = FilterVectorFile.parse(json);
    return file.cases.map((one) => ({
      name: one.id,
      quirk: false,
      check: () => {
        const outcome = outcomeOf(() => filterOutcome(file, one));
        if (!("document" in outcome)) return [{ path: "", expected: one.expect, got: outcome }];
        return equalDifferences(one.expect, asJson(outcome.document));
      },
    }));
  },
};
