import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { containerSpecSchema } from "../../agent/spec/container-spec.ts";
import { parseSpecText } from "../../agent/spec/file.ts";
import { FOREIGN_FORMATS } from "../../agent/spec/formats/formats.ts";
import { containerJsonSchema, withFieldTable } from "../../agent/spec/json-schema.ts";
import { readSpecFile } from "../../agent/spec/read.ts";
import { zoneManifestSchema } from "../../agent/vmadm/schema.ts";
import { prepareText } from "../support/spec-builders.ts";

const MANIFESTS = new URL("../../manifests/", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, MANIFESTS), "utf8");

const examples = readdirSync(new URL("examples/", MANIFESTS));

/** What an example cannot show without a word about it. */
const WARNINGS: Readonly<Record<string, readonly string[]>> = {
  "appc-pod.yaml": ["apps[0].image.id"],
  "compose-volumes.yaml": ["services"],
  "shared-pod.yaml": ["spec.initContainers"],
};

test("there are examples of every format", () => {
  expect(examples).toEqual(expect.arrayContaining(["hello.yaml", "web.yaml", "registry.json", "viewer.json"]));
  const foreign = examples.flatMap((name) => {
    const [source] = parseSpecText(textOf(`examples/${name}`), name);
    const document = z.record(z.string(), z.unknown()).parse(source?.value);
    return FOREIGN_FORMATS.find((format) => format.detect(document))?.name ?? [];
  });
  expect(foreign).toEqual(expect.arrayContaining(FOREIGN_FORMATS.map((format) => format.name)));
});

test.each(examples)("examples/%s becomes a payload", async (name) => {
  const path = new URL(`examples/${name}`, MANIFESTS).pathname;
  expect(await readSpecFile(path)).toHaveLength(["shared-pod.yaml", "compose-volumes.yaml"].includes(name) ? 2 : 1);
  const { manifest, warnings } = prepareText(textOf(`examples/${name}`), { name });
  expect(zoneManifestSchema.parse(manifest)).toEqual(manifest);
  if (name.endsWith(".yaml")) expect(warnings.map((w) => w.path)).toEqual(WARNINGS[name] ?? []);
});

test("lint tells about the manifests of 2016 what is needless or risky in them", () => {
  const paths = (name: string) => prepareText(textOf(`examples/${name}`), { name }).warnings.map((w) => w.path);
  const both = ["nics[0].interface", "docker", "max_swap", "tmpfs", "maintain_resolvers"];
  expect(paths("registry.json")).toEqual(both);
  expect(paths("viewer.json")).toEqual(both);
});

test("the JSON Schema and the table of fields are current: node agent/spec/write-schema.ts", () => {
  expect(textOf("schema/container-spec.v1.json")).toBe(containerJsonSchema());
  expect(textOf("README.md")).toBe(withFieldTable(textOf("README.md")));
});

test("every field says what it means", () => {
  for (const [key, schema] of Object.entries(containerSpecSchema.shape)) expect(schema.description, key).toMatch(/\w/);
});
