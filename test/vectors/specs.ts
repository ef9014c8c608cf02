// Spec vectors (test/fixtures/specs/README.md): an input of a format beside `NAME.expect.json`.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseSpecText } from "../../agent/spec/file.ts";
import { Report } from "../../agent/spec/formats/format.ts";
import { FOREIGN_FORMATS } from "../../agent/spec/formats/formats.ts";
import { readEffectiveValues } from "../../agent/spec/formats/image-config/read.ts";
import type { SpecSource } from "../../agent/spec/source.ts";
import { asJson, equalDifferences } from "./compare.ts";
import { asExpected, expectation, namesField, snakeKeys, toVectorForm, vectorPath, type SpecVector } from "./spec-form.ts"; // prettier-ignore
import { outcomeOf, type Difference, type VectorFamily } from "./vector.ts";

const SUFFIX = /\.expect\.json$/;

/** `{image, override}` is no document anybody runs, so it has a reader and no row among the formats. */
const IMAGE_CONFIG = "image-config";

export const specVectors: VectorFamily = {
  name: "specs",
  kinds: [...FOREIGN_FORMATS.map((format) => format.name), IMAGE_CONFIG],
  cases({ path, json }) {
    if (!SUFFIX.test(path)) return existsSync(path.replace(/\.json$/, ".expect.json")) ? [] : undefined;
    const vector = expectation.parse(json);
    const text = readFileSync(join(dirname(path), vector.input), "utf8");
    const name = `${vector.format}/${basename(path).replace(SUFFIX, "")}`;
    const read = readerOf(vector);
    if (read === undefined) throw new Error(`unknown format ${JSON.stringify(vector.format)}`);
    return [{ name, quirk: false, check: () => judge(vector, text, read) }];
  },
};

/** The inputs of our own vectors of a format. */
export function specInputs(format: string): { readonly name: string; readonly text: string }[] {
  const directory = join(import.meta.dirname, "../fixtures/specs", format);
  return readdirSync(directory)
    .filter((name) => SUFFIX.test(name))
    .map((name) => expectation.parse(JSON.parse(readFileSync(join(directory, name), "utf8"))).input)
    .map((name) => ({ name, text: readFileSync(join(directory, name), "utf8") }));
}

type Read = (source: SpecSource, report: Report) => Record<string, unknown> | undefined;

function readerOf({ format: name, given = {} }: SpecVector): Read | undefined {
  if (name === IMAGE_CONFIG)
    return (source, report) => {
      const values = readEffectiveValues(source, report);
      return values && snakeKeys(values);
    };
  const format = FOREIGN_FORMATS.find((one) => one.name === name);
  return (
    format &&
    ((source, report) => {
      const document = format.read(source, given, report);
      return document && toVectorForm(document);
    })
  );
}

function judge(vector: SpecVector, text: string, read: Read): Difference[] {
  const outcome = outcomeOf(() => {
    const [source] = parseSpecText(text, vector.input);
    if (!source) throw new Error("no document");
    const report = new Report(source);
    return { meaning: read(source, report), report };
  });
  if (!("document" in outcome)) return [{ path: "", expected: vector.error ?? vector.expect, got: outcome }];
  const { meaning, report } = outcome.document;
  const complaints = report.problems.map(({ path, where, message }) => ({ path, where, message }));
  if (!vector.error) {
    const warned = [...new Set(report.warnings.map((warning) => vectorPath(warning.path)))].toSorted();
    return [
      ...equalDifferences([], complaints, ["error"]),
      ...equalDifferences(vector.expect, asJson(asExpected(meaning, vector.expect)), ["expect"]),
      ...equalDifferences(vector.warnings ?? [], warned, ["warnings"]),
    ];
  }
  const { field, stage } = vector.error;
  return [
    ...(complaints.length === 0 ? [{ path: "error.field", expected: field, got: undefined }] : []),
    ...complaints
      .filter((complaint) => !namesField(complaint.path, field))
      .map((got) => ({ path: "error.field", expected: field, got })),
    ...complaints
      .filter(({ where }) => !/:\d+:\d+$|^query parameter/.test(where))
      .map((got) => ({ path: "error.where", expected: "file:line:column", got })),
    ...equalDifferences(stage, report.code === "SPEC_UNSUPPORTED" ? "agent" : "format", ["error", "stage"]),
  ];
}
