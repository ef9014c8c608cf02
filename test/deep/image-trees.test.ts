// Layers of every kind, made by umoci, pulled from a docker-registry and installed by the lab's imgadm with the faults
// its tar and its whiteouts have: the zone's root must be the tree umoci unpacks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageRecord } from "../../agent/imgadm/images.ts";
import { ImageLab } from "../support/image-lab.ts";
import { describeTree, TestLayout, type LayerRecipe } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { rawTar } from "../support/tars.ts";

let lab: ImageLab;
let registry: TestRegistry;

beforeAll(async () => {
  lab = await ImageLab.create();
  registry = await TestRegistry.start(join(lab.work, "registry"));
  const layout = await TestLayout.create(join(lab.work, "base"));
  await layout.image("base", [BASE]);
  await pull(layout, "base");
});

afterAll(async () => {
  await registry.stop();
  await lab.destroy();
});

/** A layout per test: umoci rewrites the index of its layout, and the tests run side by side. */
const layoutOf = (tag: string): Promise<TestLayout> => TestLayout.create(join(lab.work, tag));

async function pull(layout: TestLayout, tag: string, ...options: readonly string[]): Promise<ImageRecord> {
  return lab.images.pull(await registry.push(layout.directory, tag, `trees:${tag}`, ...options));
}

async function expectSameTree(record: ImageRecord, layout: TestLayout, tag: string): Promise<void> {
  expect(describeTree(lab.tree(record))).toEqual(describeTree(await layout.unpack(tag)));
}

const BASE: LayerRecipe = (layer) =>
  layer
    .directory("bin")
    .file("bin/tool", "#!/bin/sh\n", { mode: 0o4755 })
    .file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
    .file("etc/secret", "hunter2", { mode: 0o600, uid: 33, gid: 44 })
    .file("var/cache/a/one")
    .file("var/cache/a/two")
    .file("var/cache/b")
    .directory("var/empty", { mode: 0o1777 })
    .file("usr/lib/libc.so", "libc")
    .symlink("lib", "usr/lib")
    .symlink("abs", "/usr/lib")
    .symlink("dangling", "nowhere/at/all");

/** The last number: images installed above the base, removal images among them. */
const CASES: readonly (readonly [name: string, recipes: readonly LayerRecipe[], installs: number])[] = [
  ["one layer", [BASE], 0],
  ["files replaced and added", [BASE, (l) => l.file("etc/passwd", "new").file("opt/x/y/z")], 1],
  ["whiteouts", [BASE, (l) => l.whiteout("etc/secret").whiteout("var/cache/a").whiteout("never/was/there")], 1],
  ["a whiteout of the file beside a new one", [BASE, (l) => l.whiteout("etc/secret").file("etc/other")], 1],
  ["a name deleted and added again as a file", [BASE, (l) => l.whiteout("etc/passwd").file("etc/passwd", "again")], 2],
  ["a directory deleted and added again", [BASE, (l) => l.whiteout("var/cache/a").file("var/cache/a/three")], 2],
  ["an opaque directory, empty", [BASE, (l) => l.opaque("var/cache")], 1],
  [
    "an opaque directory with new, kept and nested names",
    [BASE, (l) => l.opaque("var/cache").file("var/cache/b", "new b").file("var/cache/a/three")],
    1,
  ],
  ["an opaque root", [BASE, (l) => l.opaque(".").file("only", "this")], 1],
  ["a directory over a symlink to a directory", [BASE, (l) => l.directory("lib").file("lib/own", "mine")], 2],
  ["a symlink over a directory", [BASE, (l) => l.symlink("var/cache", "empty")], 2],
  ["an absolute symlink over a directory", [BASE, (l) => l.symlink("var/cache", "/var/empty")], 2],
  ["a file over a directory", [BASE, (l) => l.file("var/cache", "now a file")], 2],
  ["a directory over a file", [BASE, (l) => l.file("etc/secret/key")], 1],
  [
    "a directory over a symlink and back",
    [BASE, (l) => l.directory("lib").file("lib/own"), (l) => l.symlink("lib", "usr/lib")],
    4,
  ],
  ["a hard link over a directory", [BASE, (l) => l.file("g", "shared").hardLink("var/cache", "g")], 2],
  [
    "hard links within a layer",
    [BASE, (l) => l.file("h/one", "same").hardLink("h/two", "h/one").hardLink("z", "h/one")],
    1,
  ],
  [
    "a file over one of two hard links",
    [(l) => l.file("a", "same").hardLink("b", "a"), (l) => l.file("a", "other")],
    2,
  ],
  [
    "long names, blanks, quotes, line ends and letters beyond ASCII",
    [
      (l) =>
        l
          .file(`${"d".repeat(100)}/${"e".repeat(120)}/${"f".repeat(200)}`)
          .file("with blank/and 'quotes\" $x;y")
          .file("line\nend")
          .file("grüße/日本語")
          .symlink("long-target", `${"t/".repeat(150)}end`),
      (l) => l.whiteout("with blank/and 'quotes\" $x;y").whiteout("grüße/日本語").file("with blank/new"),
    ],
    2,
  ],
  ["times at and before 1970", [(l) => l.file("zero", "0", { mtime: 0 }).file("one", "1", { mtime: 1 })], 1],
  [
    "unusual modes and owners",
    [
      (l) =>
        l
          .file("none", "x", { mode: 0 })
          .file("all", "x", { mode: 0o7777 })
          .file("big", "x", { uid: 4_000_000, gid: 3_000_000 })
          .directory("closed", { mode: 0 })
          .directory("sticky", { mode: 0o1777, uid: 5, gid: 6 }),
      (l) => l.file("closed/inside", "y", { mtime: 0, mode: 0, uid: 3_000_000 }),
    ],
    2,
  ],
];

describe.concurrent("the tree equals what umoci unpacks", () => {
  it.each(CASES)("%s", async (name, recipes, installs) => {
    const tag = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    const layout = await layoutOf(tag);
    await layout.image(tag, recipes);
    const record = await pull(layout, tag);
    await expectSameTree(record, layout, tag);
    const chain = await lab.imgadm.ancestry(record.imageUuid);
    expect(chain.length, "images of the chain").toBe(installs + (recipes[0] === BASE ? 1 : 0));
  });

  it("names below symlinked parents lie where the symlinks lead", async () => {
    const layout = await layoutOf("below");
    // GNU tar would not write a member below a symlink.
    const tar = rawTar([
      { name: "lib/via-relative", content: "1" },
      { name: "abs/via-absolute", content: "2" },
      { name: "lib/.wh.libc.so" },
    ]);
    await layout.image("below", [BASE, { tar }]);
    const record = await pull(layout, "below");
    await expectSameTree(record, layout, "below");
    expect(readFileSync(join(lab.tree(record), "usr/lib/via-absolute"), "utf8")).toBe("2");
  });

  it.each([
    ["zstd", ["--dest-compress-format", "zstd"]],
    ["docker-v2s2", ["--format", "v2s2"]],
  ])("%s", async (tag, options) => {
    const layout = await layoutOf(tag);
    await layout.image(tag, [(l) => l.file("f", tag), (l) => l.whiteout("f").file("g", tag)], { format: "pax" });
    await expectSameTree(await pull(layout, tag, ...options), layout, tag);
  });
});
