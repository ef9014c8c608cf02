import { describe, expect, test } from "vitest";
import { explainField } from "../../agent/cli/explain-field.ts";
import { containerSpecSchema } from "../../agent/spec/container-spec.ts";
import { listFields } from "../../agent/spec/field-docs.ts";
import { readSpecs } from "../../agent/spec/read.ts";
import { messageOf } from "../support/spec-builders.ts";

const fields = listFields(containerSpecSchema);

test("a field: meaning, kind, default, what is allowed, what it becomes, an example", () => {
  expect(explainField("spec.memory", "table"))
    .toBe(`spec.memory: size (\`512m\`, \`1.5g\`, powers of 1024; a plain number is bytes)
  Memory cap.

  default  the package's, else the node's (defaults.memory)
  allowed  at least 6m
  becomes  max_physical_memory, in MiB, rounded up
  example  memory: 512m
`);
});

test("a field inside another, and what is inside of one", () => {
  expect(explainField("spec.log.maxSize", "table")).toContain("example  log:\n             maxSize: 10m\n");
  expect(explainField("spec.networks[0].ip", "table")).toContain("becomes  nics[].ips");
  expect(explainField("spec.healthcheck", "table")).toContain("\n  spec.healthcheck.interval: duration");
  const volumes = JSON.parse(explainField("spec.volumes", "json")) as { path: string; fields: { path: string }[] };
  expect(volumes.path).toBe("volumes");
  expect(volumes.fields.map(({ path }) => path)).toEqual(
    "type source target readOnly subpath copy size labels existing mode uid gid".split(" ").map((f) => `volumes.${f}`),
  );
});

test("all of them", () => {
  const lines = explainField("spec", "table").trimEnd().split("\n");
  expect(lines).toHaveLength(fields.length + 1);
  expect(lines[0]).toMatch(/^FIELD +DEFAULT +BECOMES$/);
});

test.each([
  ["spec.memroy", 'a container spec has no field "memroy" (did you mean "spec.memory"?)'],
  ["spec.log.maxsize", 'a container spec has no field "log.maxsize" (did you mean "spec.log.maxSize"?)'],
  ["spec.__proto__", 'a container spec has no field "__proto__"'],
  ["spec.", "FIELD"],
])("%s", (word, told) => {
  const text = word === "spec." ? explainField(word, "table") : messageOf(() => explainField(word, "table"));
  expect(text).toContain(told);
});

/** What has to stand beside a field inside another for it to make sense. */
const REST: Readonly<Record<string, object>> = {
  networks: { name: "lan" },
  volumes: { source: "/data", target: "/srv" },
  named: { source: "data", target: "/srv" },
  empty: { type: "empty", source: "work", target: "/srv" },
  files: { target: "/etc/a", content: "b" },
};
const NEEDS: Readonly<Record<string, string>> = {
  "volumes.subpath": "named",
  "volumes.size": "named",
  "volumes.labels": "named",
  "volumes.existing": "named",
  "volumes.mode": "empty",
  "volumes.uid": "empty",
  "volumes.gid": "empty",
};

describe("what stands beside the schemas is true", () => {
  test("of every field of the schema, on every level", () => {
    expect(fields.map((one) => one.path)).toEqual(
      expect.arrayContaining([
        ...Object.keys(containerSpecSchema.shape),
        "log.driver",
        "networks.mac",
        "volumes.target",
      ]),
    );
    for (const one of fields) expect(one.means, one.path).toMatch(/\w.*\.$/s);
  });

  test.each(fields.map((one) => [one.path, one] as const))("the example of %s is accepted", (_, { path, example }) => {
    const [top = "", inner] = path.split(".");
    const value = inner === undefined ? example : { ...REST[NEEDS[path] ?? top], [inner]: example };
    const listed = inner !== undefined && (top === "volumes" || top === "files");
    const spec = { image: "a", [top]: listed ? [value] : value };
    expect(readSpecs(JSON.stringify(spec), "a.json")).toHaveLength(1);
  });
});
