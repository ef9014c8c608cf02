import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { SPEC_FORMATS } from "../../agent/spec/formats/format.ts";
import { FOREIGN_FORMATS } from "../../agent/spec/formats/formats.ts";
import { readSpecs } from "../../agent/spec/read.ts";
import { messageOf } from "../support/spec-builders.ts";

test("every format that is read has a name to be called by", () => {
  expect(SPEC_FORMATS).toEqual(["spec", "vmadm", ...FOREIGN_FORMATS.map((format) => format.name)].sort(byList));
});

function byList(a: string, b: string): number {
  const order: readonly string[] = SPEC_FORMATS;
  return order.indexOf(a) - order.indexOf(b);
}

describe("the format that is named", () => {
  test("wins over the keys", () => {
    const text = "Image: nginx\nbrand: x\n";
    expect(messageOf(() => readSpecs(text, "a.yaml"))).toContain("brand: ");
    expect(readSpecs("Image: nginx\n", "a.yaml", { format: "docker-create" })).toHaveLength(1);
    expect(messageOf(() => readSpecs("image: nginx\n", "a.yaml", { format: "k8s-pod" }))).toContain(
      "kind: must be Pod",
    );
  });

  test("holds for a list of container specs, and for each document of a stream", () => {
    expect(
      readSpecs("containers: [{image: a}, {image: b}]\n---\nimage: c\n", "a.yaml", { format: "spec" }),
    ).toHaveLength(3);
  });

  test.each(SPEC_FORMATS)("%s of nothing it knows is a list of complaints, not an accident", (format) => {
    for (const text of ["{}", "xyzzy: 1", "services: 1", "kind: Pod", "acKind: x", "Image: 1", "containers: 1"])
      try {
        readSpecs(text, "a.yaml", { format });
      } catch (error) {
        expect(error, text).toBeInstanceOf(AgentError);
      }
  });
});

test.each([
  ["keys", "foo: 1\nbar: 2\n", 'a.yaml:1:1 this is no format known here: its keys are "foo", "bar". It is read as a'],
  ["no keys", "{}\n", "a.yaml:1:1 this is no format known here: it has no keys. It is read as a container spec;"],
])("a document that is none of the formats is told what was seen: %s", (_, text, told) => {
  expect(messageOf(() => readSpecs(text, "a.yaml"))).toContain(told);
});

test("one that nearly is a container spec is not told so", () => {
  expect(messageOf(() => readSpecs("memory: 1g\n", "a.yaml"))).toBe(
    "a.yaml:1:1 image: is required\n  1 | memory: 1g\n    | ^",
  );
});
