import { describe, expect, test } from "vitest";
import { parseSpecText } from "../../agent/spec/file.ts";
import { Report } from "../../agent/spec/formats/format.ts";
import { FOREIGN_FORMATS } from "../../agent/spec/formats/formats.ts";
import { readEffectiveValues } from "../../agent/spec/formats/image-config/read.ts";
import type { SpecSource } from "../../agent/spec/source.ts";
import {
  asExpected,
  namesField,
  snakeKeys,
  specVectors,
  type SpecVector,
  toVectorForm,
  vectorFormats,
  vectorPath,
} from "../support/spec-vectors.ts";

/** `{image, override}` is no document anybody runs, so it has a reader and no row among the formats. */
const IMAGE_CONFIG = "image-config";

const formats = FOREIGN_FORMATS.map((format) => format.name);

test("every folder of vectors has a reader", () => {
  expect([...formats, IMAGE_CONFIG].toSorted()).toEqual(vectorFormats().toSorted());
});

describe.each(formats)("%s", (name) => {
  test.each(specVectors(name).map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    const format = FOREIGN_FORMATS.find((f) => f.name === name);
    if (!format) throw new Error("no reader");
    judge(vector, (source, report) => {
      const document = format.read(source, vector.given ?? {}, report);
      return document && toVectorForm(document);
    });
  });
});

describe(IMAGE_CONFIG, () => {
  test.each(specVectors(IMAGE_CONFIG).map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    judge(vector, (source, report) => {
      const values = readEffectiveValues(source, report);
      return values && snakeKeys(values);
    });
  });
});

type Read = (source: SpecSource, report: Report) => Record<string, unknown> | undefined;

function judge(vector: SpecVector, read: Read): void {
  const [source] = parseSpecText(vector.text, vector.input);
  if (!source) throw new Error("no document");
  const report = new Report(source);
  const meaning = read(source, report);
  if (vector.error) {
    const { field, stage } = vector.error;
    expect(
      report.problems.filter((p) => !namesField(p.path, field)),
      `only ${field} is wrong`,
    ).toEqual([]);
    expect(report.problems, field).not.toEqual([]);
    expect(report.code).toBe(stage === "agent" ? "SPEC_UNSUPPORTED" : "SPEC_INVALID");
    for (const problem of report.problems) expect(problem.where).toMatch(/:\d+:\d+$|^query parameter/);
  } else {
    expect(report.problems).toEqual([]);
    expect(asExpected(meaning, vector.expect)).toEqual(vector.expect);
    expect([...new Set(report.warnings.map((w) => vectorPath(w.path)))].toSorted()).toEqual(vector.warnings ?? []);
  }
}
