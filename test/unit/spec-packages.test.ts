import { describe, expect, test } from "vitest";
import { choosePackage, type Package } from "../../agent/spec/packages.ts";
import { aNode, messageOf, prepareText } from "../support/spec-builders.ts";

const aPackage = (name: string, uuid: string, changes: Partial<Package> = {}): Package => ({
  uuid: `${uuid}-1111-4222-8333-444455556666`,
  name,
  active: true,
  max_physical_memory: 512,
  max_swap: 2048,
  quota: 10_241,
  ...changes,
});

const PACKAGES = [
  aPackage("sample-512M", "f00dbabe", { max_lwps: 4000, cpu_cap: 150, fss: 300.9, zfs_io_priority: 50 }),
  aPackage("sample-1G", "c1a00000", { max_physical_memory: 1024, fss: "" }),
  aPackage("twin", "0000000a"),
  aPackage("twin", "0000000b"),
  aPackage("old", "0000000c", { active: false }),
  aPackage("0000000d", "0000000e"),
  aPackage("hexname", "0000000d"),
  { ...aPackage("short", "0000000f"), uuid: "f00dcafe-1111-4222-8333-444455556666" },
  { ...aPackage("short2", "0000000f"), uuid: "f00dcafe-2222-4222-8333-444455556666" },
];
const node = aNode({ packages: PACKAGES });
const prepare = (lines: string) => prepareText(`image: nginx\n${lines}\n`, { node });
const chosen = (word: string) => {
  const choice = choosePackage(PACKAGES, word);
  return choice.ok ? choice.package.uuid.slice(0, 8) : choice.message;
};

describe("which package a word names", () => {
  test.each([
    ["its name", "sample-1G", "c1a00000"],
    ["its uuid", "f00dbabe-1111-4222-8333-444455556666", "f00dbabe"],
    ["the first eight digits", "f00dbabe", "f00dbabe"],
    ["a name of eight digits wins over a uuid", "0000000d", "0000000e"],
  ])("%s", (_, word, uuid) => {
    expect(chosen(word)).toBe(uuid);
  });

  test.each([
    ["a name twice", "twin", '"twin" names 2 packages: twin (0000000a), twin (0000000b)'],
    ["eight digits twice", "f00dcafe", '"f00dcafe" names 2 packages: short (f00dcafe), short2 (f00dcafe)'],
    ["an inactive one", "old", 'the package "old" is not active; use one of sample-512M (f00dbabe), '],
    ["seven digits", "f00dbab", 'there is no package "f00dbab"; use one of sample-512M (f00dbabe), '],
    ["a slip", "sample-1g", 'there is no package "sample-1g" (did you mean "sample-1G"?); use one of '],
    ["an unknown uuid", "f00dbabe-9999-4222-8333-444455556666", 'there is no package "f00dbabe-9999-'],
  ])("none: %s", (_, word, told) => {
    expect(chosen(word)).toContain(told);
  });

  test("none at all", () => {
    expect(messageOf(() => prepareText("image: nginx\npackage: small"))).toMatch(
      /^web.yaml:2:10 package: there is no package "small"; the configuration has none \(packages\)\n/,
    );
  });
});

describe("what a container has of its package", () => {
  test("its limits, its uuid as billing_id", () => {
    expect(prepare("package: sample-512M").manifest).toMatchObject({
      billing_id: "f00dbabe-1111-4222-8333-444455556666",
      max_physical_memory: 512,
      max_locked_memory: 512,
      max_swap: 2048,
      max_lwps: 4000,
      cpu_cap: 150,
      cpu_shares: 300,
      zfs_io_priority: 50,
      quota: 11,
    });
  });

  test("what the spec says wins, value by value", () => {
    const lines = "package: sample-512M\nmemory: 4g\ncpus: 2\ncpuShares: 1024\npids: 99\ndisk: 5g\nioPriority: 7";
    expect(prepare(lines).manifest).toMatchObject({
      max_physical_memory: 4096,
      max_swap: 8192,
      max_lwps: 99,
      cpu_cap: 200,
      cpu_shares: 100,
      zfs_io_priority: 7,
      quota: 5,
    });
    expect(prepare("package: sample-512M\nmemory: 1g").manifest.max_swap).toBe(2048);
    expect(prepare("package: sample-512M\nmemorySwap: 1g").manifest.max_swap).toBe(1024);
  });

  test("what the package leaves out is the node's", () => {
    const { manifest } = prepare("package: sample-1G");
    expect(manifest.max_lwps).toBe(2000);
    expect(manifest).not.toHaveProperty("cpu_cap");
    expect(manifest).not.toHaveProperty("cpu_shares");
  });

  test("explain names package and property", () => {
    const rows = new Map(prepare("package: f00dbabe\nmemory: 1g").origins.map((row) => [row.path, row]));
    expect(rows.get("cpu_cap")).toMatchObject({ from: "package", why: "sample-512M (cpu_cap), percent of one CPU" });
    expect(rows.get("max_swap")).toMatchObject({ from: "package", why: "sample-512M (max_swap), in MiB" });
    expect(rows.get("cpu_shares")).toMatchObject({ from: "package" });
    expect(rows.get("max_physical_memory")).toMatchObject({ from: "spec" });
    expect(rows.get("billing_id")).toMatchObject({ from: "spec", why: "package (web.yaml:2:10), uuid of the package" });
  });
});

describe("Triton's label", () => {
  test("names a package and becomes no tag", () => {
    const { manifest } = prepare("labels: { com.joyent.package: sample-1G, a: b }");
    expect(manifest.max_physical_memory).toBe(1024);
    expect(manifest.tags).toEqual({ sdc_docker: true, "docker:label:a": "b" });
  });

  test("in a Compose file, too", () => {
    const text = "services:\n  web:\n    image: nginx\n    labels: { com.joyent.package: nope }\n    command: [sh]\n";
    expect(messageOf(() => prepareText(text, { node }))).toMatch(
      /^web.yaml:4:35 services.web.labels\["com.joyent.package"\]: there is no package "nope"/,
    );
  });

  test("must agree with the field", () => {
    expect(messageOf(() => prepare("package: twin\nlabels: { com.joyent.package: old }"))).toContain(
      "names 2 packages",
    );
    expect(messageOf(() => prepare("package: sample-1G\nlabels: { com.joyent.package: old }"))).toContain(
      'names another package than "package" ("sample-1G")',
    );
    const same = "package: sample-1G\nlabels: { com.joyent.package: c1a00000 }";
    expect(prepare(same).manifest.max_physical_memory).toBe(1024);
  });
});
