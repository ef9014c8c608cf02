import { describe, expect, test } from "vitest";
import { parseSpecText } from "../../agent/spec/file.ts";
import { readCompose } from "../../agent/spec/formats/compose/read.ts";
import { Report } from "../../agent/spec/formats/format.ts";
import { splitWords } from "../../agent/spec/formats/shell-words.ts";
import type { NeutralApp } from "../../agent/spec/neutral.ts";
import { readSpecs } from "../../agent/spec/read.ts";

interface Outcome {
  readonly apps: readonly NeutralApp[];
  readonly complaints: readonly string[];
  readonly warnings: readonly string[];
}

function compose(text: string, variables: Record<string, string> = {}): Outcome {
  const [source] = parseSpecText(text, "c.yaml");
  if (source === undefined) throw new Error("no document");
  const report = new Report(source);
  const document = readCompose(source, { variables }, report);
  return {
    apps: document?.apps ?? [],
    complaints: report.problems.map((p) => `${p.path}: ${p.message}`),
    warnings: report.warnings.map((w) => `${w.path}: ${w.message}`),
  };
}

const service = (attributes: string): string => `services: {a: {image: x, ${attributes}}}`;

test.each([
  ["$A", "1"],
  ["${A}${B}", "1"],
  ["${B:-d}", "d"],
  ["${B-d}", ""],
  ["${C-d}", "d"],
  ["${A:+r}", "r"],
  ["${B:+r}", ""],
  ["${B+r}", "r"],
  ["${C:-${B:-${A}}}", "1"],
  ["$$A $${A}", "$A ${A}"],
  ["${C:-a$$b}", "a$b"],
  ["${A:?needed}", "1"],
])("interpolation: %s becomes %j", (text, expected) => {
  const { apps, complaints } = compose(service(`user: 'u${text}'`), { A: "1", B: "" });
  expect(complaints).toEqual([]);
  expect(apps[0]?.user).toBe(`u${expected}`);
});

test.each([
  ["${C:?why not}", "needs the variable C: why not"],
  ["${B:?}", "needs the variable B"],
  ["$1", '"$1" is no variable'],
  ["${A/a/b}", '"${A/a/b}" is no variable'],
  ["${A", '"${A" is no variable'],
  ["${C:-${A}", '"${C:-${A}" is no variable'],
])("interpolation: %s is told", (text, message) => {
  const { complaints } = compose(service(`user: '${text}'`), { A: "1", B: "" });
  expect(complaints).toEqual([expect.stringContaining(`services.a.user: ${message}`)]);
});

test("only the branch that is taken asks for variables", () => {
  expect(compose(service("user: '${A:-${X}}'"), { A: "1" }).warnings).toEqual([]);
  expect(compose(service("user: '${B:-${X}}'")).warnings).toEqual([
    "services.a.user: no value for X: empty text is used",
  ]);
});

const tcp = { protocol: "tcp", hostIp: null, name: null } as const;
test.each([
  ["80", { ...tcp, container: 80, count: 1, host: 0 }],
  ["'8080:80'", { ...tcp, container: 80, count: 1, host: 8080 }],
  ["'127.0.0.1::80/udp'", { ...tcp, container: 80, count: 1, host: 0, hostIp: "127.0.0.1", protocol: "udp" }],
  ["'::1:8080:80'", { ...tcp, container: 80, count: 1, host: 8080, hostIp: "::1" }],
  ["'[::1]:8080:80'", { ...tcp, container: 80, count: 1, host: 8080, hostIp: "::1" }],
  ["'9000-9002:80-82'", { ...tcp, container: 80, count: 3, host: 9000 }],
  ["'9000-9002:80'", { ...tcp, container: 80, count: 1, host: 9000, hostTo: 9002 }],
  ["{target: 80, published: '8080', name: web}", { ...tcp, container: 80, count: 1, host: 8080, name: "web" }],
])("ports: %s", (port, expected) => {
  const { apps, complaints } = compose(service(`ports: [${port}]`));
  expect(complaints).toEqual([]);
  expect(apps[0]?.ports).toEqual([expected]);
});

test.each(["0", "70000", "'a:80'", "'1.2.3:1:80'", "'80/icmp'", "'82-80'", "{target: 80, published: x}"])(
  "ports: %s is no port",
  (port) => {
    expect(compose(service(`ports: [${port}]`)).complaints).toEqual([
      expect.stringMatching(/^services\.a\.ports\[0\]/),
    ]);
  },
);

test.each([
  [`a "b c" d\\ e 'f "g"'`, ["a", "b c", "d e", 'f "g"']],
  [`"a\\"b\\n" ''`, ['a"b\\n', ""]],
  ["  a\t b\n", ["a", "b"]],
  ["", []],
  ["'a", undefined],
  ["a\\", undefined],
])("words of %j", (text, expected) => {
  expect(splitWords(text)).toEqual(expected);
});

describe("services", () => {
  test("wait for each other in a circle: told once", () => {
    const text =
      "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [c]}, c: {image: x, depends_on: [b]}}";
    expect(compose(text).complaints).toEqual([
      expect.stringContaining("depends_on: the services wait for each other: b, c, b"),
    ]);
  });

  test("extend each other: maps by key, lists without duplicates, volumes by target", () => {
    const { apps, complaints } = compose(`
services:
  base: {image: x, environment: [A=1, B=2], dns: [10.0.0.1], volumes: ["/a:/t", "/b:/u"], container_name: c}
  a: {extends: base, environment: {B: 3}, dns: [10.0.0.1, 10.0.0.2], volumes: ["/c:/t:ro"]}
`);
    expect(complaints).toEqual([]);
    const own = apps.find(({ name }) => name === "a");
    expect(own).toMatchObject({ image: "x", env: { A: "1", B: "3" }, dns: ["10.0.0.1", "10.0.0.2"] });
    expect(own?.mounts.map((m) => `${m.source ?? ""}:${m.target}:${m.readOnly}`)).toEqual([
      "/c:/t:true",
      "/b:/u:false",
    ]);
    expect(own?.containerName).toBeUndefined();
  });

  test.each([
    ["services: {a: {image: x, extends: b}, b: {image: x, extends: a}}", "a extends b extends a: a circle"],
    ["services: {a: {image: x, extends: b}}", 'there is no service "b"'],
    ["services: {a: {image: x, extends: {service: b, file: o.yaml}}}", "files beside the document are not read"],
  ])("%s", (text, message) => {
    expect(compose(text).complaints[0]).toContain(message);
  });

  test("extend a list that is none of settings: told, wherever it stands", () => {
    const bad = { image: "a", environment: [{ toString: {} }] };
    const good = { environment: ["A=1"], extends: "base" };
    for (const services of [
      { base: bad, own: good },
      { base: { image: "a", ...good, extends: undefined }, own: { ...bad, extends: "base" } },
    ])
      expect(() => readSpecs(JSON.stringify({ services }), "compose.json")).toThrow(/environment/);
  });

  test("all that is wrong is told at once", () => {
    const { complaints } = compose(
      "volums: {}\nservices:\n  a: {image: x, prots: [], privileged: true, mem_limit: lots}\n  b: {build: .}\n",
    );
    expect(complaints).toEqual([
      'volums: unknown key "volums" (did you mean "volumes"?)',
      "services.a.privileged: a zone cannot be privileged",
      expect.stringContaining("services.a.mem_limit: "),
      'services.a.prots: unknown key "prots" (did you mean "ports"?)',
      "services.b.build: images are not built here: name an image",
    ]);
  });
});

test.each([
  ["services", "services:\n" + Array.from({ length: 2000 }, (_, i) => `  s${i}: {image: x}\n`).join("")],
  ["problems", service(`command: [${"'$%',".repeat(15_000)}]`)],
  ["nesting", service(`user: "${"${A:-".repeat(50_000)}x${"}".repeat(50_000)}"`)],
])("too many %s are refused soon", (_, text) => {
  const { complaints } = compose(text);
  expect(complaints.length).toBeGreaterThan(0);
  expect(complaints.length).toBeLessThanOrEqual(200);
});

test("volumes of the project: a size and labels; of others: by name, and only where they are", () => {
  const text = (volumes: string): string =>
    `services: {a: {image: i, volumes: ["v:/v"]}, b: {image: i, volumes_from: ["a:ro", "container:x"]}}\nvolumes: {v: ${volumes}}`;
  const made = compose(text('{driver: local, driver_opts: {size: 2m}, labels: ["k=v", e]}'));
  expect(made.complaints).toEqual([]);
  expect(made.apps[0]?.mounts[0]).toMatchObject({
    source: "v",
    scoped: true,
    sizeBytes: 2 * 1024 ** 2,
    labels: { k: "v", e: "" },
  });
  expect(made.apps[1]).toMatchObject({
    dependsOn: [{ app: "a", condition: "started" }],
    volumesFrom: [
      { kind: "app", name: "a", readOnly: true },
      { kind: "container", name: "x", readOnly: false },
    ],
  });
  const given = compose(text("{external: true, name: theirs}")).apps[0]?.mounts[0];
  expect(given).toEqual({ type: "volume", source: "theirs", existing: true, target: "/v", readOnly: false });

  expect(compose(text("{external: true, labels: {a: b}}")).complaints).toEqual([
    "volumes.v.labels: cannot be given for a volume that is external",
  ]);
  expect(compose(text("{driver: nfs, driver_opts: {o: addr, size: big}}")).complaints).toEqual([
    'volumes.v.driver: there are only volumes of the node, no driver "nfs"',
    "volumes.v.driver_opts.o: has no meaning for a volume of the node: only size has one",
    expect.stringContaining("volumes.v.driver_opts.size: "),
  ]);
  const lenders = compose("services: {a: {image: i, volumes_from: [a, nobody, 'x:y:z']}}").complaints.join("\n");
  expect(lenders).toContain("must be SERVICE[:ro] or container:NAME[:ro]");
  expect(compose("services: {a: {image: i, volumes_from: [a, nobody]}}").complaints).toEqual([
    "services.a.volumes_from[0]: a service cannot take its own volumes",
    expect.stringContaining('there is no active service "nobody"'),
  ]);
});
