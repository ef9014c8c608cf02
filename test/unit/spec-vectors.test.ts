import { describe, expect, test } from "vitest";
import { parseSpecText } from "../../agent/spec/file.ts";
import { Report } from "../../agent/spec/formats/format.ts";
import { FOREIGN_FORMATS } from "../../agent/spec/formats/formats.ts";
import {
  asExpected,
  namesField,
  specVectors,
  toVectorForm,
  vectorFormats,
  vectorPath,
} from "../support/spec-vectors.ts";

/** Formats without a reader; a test below fails once one of them has one. */
const NOT_READ = ["image-config"];

const read = FOREIGN_FORMATS.map((format) => format.name);

test("every folder of vectors has a reader or is listed as not read", () => {
  expect([...read, ...NOT_READ].toSorted()).toEqual(vectorFormats().toSorted());
});

describe.each(read)("%s", (name) => {
  test.each(specVectors(name).map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    const [source] = parseSpecText(vector.text, vector.input);
    const format = FOREIGN_FORMATS.find((f) => f.name === name);
    if (!source || !format) throw new Error("no document or no reader");
    const report = new Report(source);
    const document = format.read(source, vector.given ?? {}, report);
    const problems = report.problems.map((p) => vectorPath(p.path));
    if (vector.error) {
      const { field, stage } = vector.error;
      expect(
        report.problems.filter((p) => !namesField(p.path, field)),
        `only ${field} is wrong`,
      ).toEqual([]);
      expect(problems, field).not.toEqual([]);
      expect(report.code).toBe(stage === "agent" ? "SPEC_UNSUPPORTED" : "SPEC_INVALID");
      for (const problem of report.problems) expect(problem.where).toMatch(/:\d+:\d+$|^query parameter/);
    } else {
      expect(report.problems).toEqual([]);
      if (!document) throw new Error("neither document nor problem");
      expect(asExpected(toVectorForm(document), vector.expect)).toEqual(vector.expect);
      expect(report.warnings.map((w) => vectorPath(w.path)).toSorted()).toEqual(vector.warnings);
    }
  });
});
