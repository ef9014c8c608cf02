// Images in, for real: umoci makes them, a docker-registry serves them, the lab's imgadm installs them.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ImageRecord, PullProgress } from "../../agent/imgadm/images.ts";
import { layerStackUuid } from "../../agent/imgadm/layer-uuid.ts";
import { ImageLab } from "../support/image-lab.ts";
import { describeTree, TestLayout, type LayerRecipe } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

let lab: ImageLab;
let layout: TestLayout;
let registry: TestRegistry;

beforeAll(async () => {
  lab = await ImageLab.create();
  layout = await TestLayout.create(join(lab.work, "images"));
  registry = await TestRegistry.start(join(lab.work, "registry"));
  await layout.image("base", [BASE]);
  await lab.images.pull(await registry.push(layout.directory, "base", "trees:base"));
});

afterAll(async () => {
  await registry.stop();
  await lab.destroy();
});

afterEach(() => {
  expect(lab.scratch(), "files under way are gone").toEqual([]);
  expect(lab.datasets().filter((name) => name.endsWith("-partial"))).toEqual([]);
});

async function expectSameTree(record: ImageRecord, tag: string): Promise<void> {
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

/** Above the base, which is installed once for all: how many imgadm runs each takes. */
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

describe("the tree equals what umoci unpacks", () => {
  it.each(CASES)("%s", async (name, recipes, installs) => {
    const tag = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    await layout.image(tag, recipes);
    const before = lab.calls("install").length;
    const record = await lab.images.pull(await registry.push(layout.directory, tag, `trees:${tag}`));
    await expectSameTree(record, tag);
    expect(lab.calls("install").length - before, "installs, removal images among them").toBe(installs);
  });

  it("names below symlinked parents lie where the symlinks lead", async () => {
    // GNU tar would not write a member below a symlink, so the layer is taken from a tree where it is a directory.
    const tar = tarOf({ "lib/via-relative": "1", "abs/via-absolute": "2", "lib/.wh.libc.so": "" });
    await layout.image("below", [{ tar }], { from: "base" });
    const record = await lab.images.pull(await registry.push(layout.directory, "below", "trees:below"));
    await expectSameTree(record, "below");
    expect(readFileSync(join(lab.tree(record), "usr/lib/via-absolute"), "utf8")).toBe("2");
  });

  it.each([
    ["zstd", ["--dest-compress-format", "zstd"]],
    ["docker v2 schema 2", ["--format", "v2s2"]],
  ])("%s", async (name, options) => {
    const tag = `format-${name.replaceAll(" ", "-")}`;
    await layout.image(tag, [(l) => l.file("f", name), (l) => l.whiteout("f").file("g", name)], { format: "pax" });
    const record = await lab.images.pull(await registry.push(layout.directory, tag, `formats:${tag}`, ...options));
    await expectSameTree(record, tag);
  });
});

describe("pull", () => {
  it("remembers the configuration, names the layers as imgadm does and repeats for nothing", async () => {
    await layout.image("app", [(l) => l.file("app", "1")], { config: ["--config.cmd", "/app", "--config.env", "A=1"] });
    const reference = await registry.push(layout.directory, "app", "team/app:1.0");
    const record = await lab.images.pull(reference);
    const { manifest, config, layers } = layout.describe("app");
    expect(record).toMatchObject({ config, manifest, layers, references: [reference], platform: "linux/amd64" });
    expect(record.imageUuid).toBe(layerStackUuid(record.layers));
    expect(record.configuration.config).toMatchObject({ Cmd: ["/app"], Env: ["A=1"] });

    const before = lab.calls("install").length;
    expect(await lab.images.pull(reference)).toMatchObject({ config });
    expect(lab.calls("install").length).toBe(before);

    const installed = await lab.imgadm.get(record.imageUuid);
    expect(installed?.manifest).toMatchObject({
      name: "docker-layer",
      type: "docker",
      tags: {
        "docker:repo": `${registry.host}/team/app`,
        "docker:tag:1.0": true,
        "docker:config": { Cmd: ["/app"], Env: ["A=1"] },
      },
    });
    for (const name of [reference, config, config.slice(7, 19), record.imageUuid])
      expect(await lab.images.find(name), name).toMatchObject({ imageUuid: record.imageUuid, record: { config } });
  });

  it("takes a digest, and the digest wins over the tag", async () => {
    await layout.image("digest", [(l) => l.file("digest")]);
    await registry.push(layout.directory, "digest", "digest:1");
    const { manifest } = layout.describe("digest");
    const record = await lab.images.pull(`${registry.host}/digest:other@${manifest}`);
    expect(record.references).toEqual([`${registry.host}/digest@${manifest}`]);
  });

  it("keeps the defaults of two configurations on the same layers apart", async () => {
    await layout.image("first", [(l) => l.file("shared", "layer")], { config: ["--config.cmd", "one"] });
    await layout.image("second", [], { from: "first", config: ["--config.cmd", "two"] });
    const first = await lab.images.pull(await registry.push(layout.directory, "first", "twins:first"));
    const second = await lab.images.pull(await registry.push(layout.directory, "second", "twins:second"));
    expect(second.imageUuid).toBe(first.imageUuid);
    expect((await lab.images.find(`${registry.host}/twins:first`))?.configuration.config?.Cmd).toEqual(["one"]);
    expect((await lab.images.find(`${registry.host}/twins:second`))?.configuration.config?.Cmd).toEqual(["two"]);
  });

  it("moves a tag to what the registry now has under it", async () => {
    await layout.image("old", [(l) => l.file("v", "old")]);
    await layout.image("new", [(l) => l.file("v", "new")]);
    const reference = await registry.push(layout.directory, "old", "moving:latest");
    const old = await lab.images.pull(reference);
    await registry.push(layout.directory, "new", "moving:latest");
    const record = await lab.images.pull(reference);
    expect((await lab.images.find(reference))?.imageUuid).toBe(record.imageUuid);
    expect((await lab.images.find(old.config))?.record?.references).toEqual([]);
  });

  it("installs each layer once when the same image is pulled twice at once", async () => {
    await layout.image("twice", [(l) => l.file("1"), (l) => l.file("2"), (l) => l.file("3")]);
    const reference = await registry.push(layout.directory, "twice", "twice:1");
    const before = lab.calls("install").length;
    const waited: PullProgress[] = [];
    const onProgress = (event: PullProgress): void => {
      if (event.type === "waiting") waited.push(event);
    };
    const [one, two] = await Promise.all([
      lab.images.pull(reference, { onProgress }),
      lab.images.pull(reference, { onProgress }),
    ]);
    expect(one.imageUuid).toBe(two.imageUuid);
    expect(lab.calls("install").length - before).toBe(3);
    expect(waited).toHaveLength(1);
  });
});

describe("bad input", () => {
  it("says what the registry said about a name it does not know", async () => {
    await expect(lab.images.pull(`${registry.host}/team/nothing:1`)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      message: `image not found: ${registry.host}/team/nothing:1`,
      hint: expect.stringContaining("404 MANIFEST_UNKNOWN") as string,
    });
  });

  it("names the platforms there are instead of linux/amd64", async () => {
    await layout.image("arm", [(l) => l.file("arm")], { config: ["--architecture", "arm64"] });
    const reference = await registry.push(layout.directory, "arm", "arm:1");
    await expect(lab.images.pull(reference)).rejects.toMatchObject({
      code: "IMAGE_NO_AMD64",
      message: `no linux/amd64 image in ${reference} (has: linux/arm64)`,
    });
  });

  it("tells that nothing listens", async () => {
    await expect(lab.images.pull("127.0.0.1:1/x:1")).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      class: "Unavailable",
    });
  });

  it.each([
    [
      "a flipped byte",
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      /damaged: the bytes received hash to/,
    ],
    ["a truncated blob", (file: string) => truncateSync(file, 50), /has 50 of \d+ bytes/],
    ["a missing blob", (file: string) => rmSync(file), /lacks a part of the image/],
  ])("refuses %s and installs nothing; whole again, the pull goes through", async (name, harm, message) => {
    const tag = name.replaceAll(" ", "-");
    await layout.image(tag, [(l) => l.file("base", tag), (l) => l.file("top", tag)]);
    const reference = await registry.push(layout.directory, tag, `harm:${tag}`);
    const { layers } = layout.describe(tag);
    const file = registry.blobFile(layers[1]!);
    const whole = readFileSync(file);
    harm(file);
    const failure = await lab.images.pull(reference).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "IMAGE_CORRUPT", message: expect.stringMatching(message) as string });
    expect(await lab.images.find(reference)).toBeUndefined();
    writeFileSync(file, whole);
    await expectSameTree(await lab.images.pull(reference), tag);
  });

  it("refuses a layer that leaves its root, before anything is unpacked", async () => {
    await layout.image("hostile", [{ tar: tarOf({ "../outside": "x" }) }]);
    const reference = await registry.push(layout.directory, "hostile", "hostile:1");
    const before = lab.calls("install").length;
    await expect(lab.images.pull(reference)).rejects.toMatchObject({ code: "LAYER_HOSTILE" });
    expect(lab.calls("install").length).toBe(before);
  });
});

describe("load", () => {
  const copy = (tag: string, target: string): void => {
    execFileSync("skopeo", ["copy", "--insecure-policy", "--quiet", `oci:${layout.directory}:${tag}`, target]);
  };

  it("takes an OCI layout, with the archive's name for a bare tag", async () => {
    await layout.image("v1", [(l) => l.file("a", "oci"), (l) => l.whiteout("a").file("b", "oci")]);
    const file = join(lab.work, "Demo App.tar");
    execFileSync("tar", ["-C", layout.directory, "-cf", file, "oci-layout", "blobs", "index.json"]);
    const only = join(lab.work, "one.tar");
    copy("v1", `oci-archive:${only}:v1`);
    const [record] = await lab.images.load(only);
    expect(record?.references).toEqual(["localhost/one:v1"]);
    expect(record?.config).toBe(layout.describe("v1").config);
    await expectSameTree(record!, "v1");
  });

  it("takes a docker archive, plain or gzip, with its tags", async () => {
    await layout.image("v2", [(l) => l.file("a", "docker"), (l) => l.opaque(".").file("b", "docker")]);
    const file = join(lab.work, "docker.tar");
    copy("v2", `docker-archive:${file}:quay.io/team/thing:2`);
    execFileSync("gzip", ["-k", file]);
    for (const path of [file, `${file}.gz`]) {
      const [record] = await lab.images.load(path);
      expect(record?.references).toEqual(["quay.io/team/thing:2"]);
      await expectSameTree(record!, "v2");
    }
    expect(await lab.images.find("quay.io/team/thing:2")).toBeDefined();
  });

  it.each([
    [
      "no archive",
      (file: string) => writeFileSync(file, "just text, and long enough to be looked at ".repeat(40)),
      "IMAGE_ARCHIVE_INVALID",
    ],
    [
      "an archive of something else",
      (file: string) => writeFileSync(file, tarOf({ "readme.txt": "x" })),
      "IMAGE_ARCHIVE_INVALID",
    ],
    ["an empty file", (file: string) => writeFileSync(file, ""), "IMAGE_ARCHIVE_INVALID"],
    [
      "a broken manifest.json",
      (file: string) => writeFileSync(file, tarOf({ "manifest.json": "[{}]" })),
      "IMAGE_CORRUPT",
    ],
    [
      "an absent layer",
      (file: string) => writeFileSync(file, tarOf({ "manifest.json": '[{"Config":"c.json","Layers":["l.tar"]}]' })),
      "IMAGE_ARCHIVE_INVALID",
    ],
    [
      "a name outside",
      (file: string) => writeFileSync(file, tarOf({ "../index.json": "{}" })),
      "IMAGE_ARCHIVE_INVALID",
    ],
  ])("refuses %s", async (name, write, code) => {
    const file = join(lab.work, `${name.replaceAll(" ", "-")}.tar`);
    write(file);
    const failure = await lab.images.load(file).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code, message: expect.stringContaining(file) as string });
  });

  it("tells that the file is not there", async () => {
    await expect(lab.images.load("/nowhere.tar")).rejects.toMatchObject({ message: "/nowhere.tar does not exist" });
  });
});

describe("remove", () => {
  it("takes the name first, and the layers down to what others need", async () => {
    const shared: LayerRecipe = (l) => l.file("shared-base", "remove");
    await layout.image("r1", [shared, (l) => l.file("own", "1")]);
    await layout.image("r2", [], { from: "r1" });
    await layout.image("r2", [(l) => l.file("own", "2")], { from: "r1" });
    const one = await registry.push(layout.directory, "r1", "remove:1");
    const two = await registry.push(layout.directory, "r2", "remove:2");
    const record = await lab.images.pull(one);
    const upper = await lab.images.pull(two);
    await lab.images.pull(one.replace("remove:1", "remove:1"));
    expect(await lab.images.remove(two)).toEqual({ untagged: [two], deleted: [upper.imageUuid], kept: false });
    expect(await lab.images.find(one)).toBeDefined();
    const removed = await lab.images.remove(record.config);
    expect(removed).toEqual({
      untagged: [one],
      deleted: [record.imageUuid, layerStackUuid(record.layers.slice(0, 1))],
      kept: false,
    });
    expect(await lab.images.list()).not.toContainEqual(expect.objectContaining({ imageUuid: record.imageUuid }));
    await expect(lab.images.remove(one)).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });

  it("keeps what is pinned", async () => {
    await layout.image("pin", [(l) => l.file("pin")]);
    const reference = await registry.push(layout.directory, "pin", "pin:1");
    const { imageUuid, config } = await lab.images.pull(reference);
    const removed = await lab.images.pinned(imageUuid, () =>
      lab.images.pinned(imageUuid, () => lab.images.remove(reference)),
    );
    expect(removed).toEqual({ untagged: [reference], deleted: [], kept: true });
    expect(await lab.imgadm.get(imageUuid)).toBeDefined();
    expect(await lab.images.remove(config)).toMatchObject({ deleted: [imageUuid], kept: false });
  });

  it("leaves alone what imgadm brought", async () => {
    await layout.image("foreign", [(l) => l.file("foreign")]);
    const { layers } = layout.describe("foreign");
    const uuid = layerStackUuid([layers[0] as never]);
    const file = join(lab.work, "foreign.tar.gz");
    writeFileSync(file, readFileSync(join(layout.directory, "blobs/sha256", layers[0]!.slice(7))));
    await lab.imgadm.install(
      {
        v: 2,
        uuid,
        name: "docker-layer",
        version: "x",
        type: "docker",
        os: "linux",
        tags: {
          "docker:id": layers[0]!,
          "docker:repo": "busybox",
          "docker:tag:9": true,
          "docker:config": { Cmd: ["sh"] },
        },
      },
      file,
    );
    expect(await lab.images.find("busybox:9")).toMatchObject({
      imageUuid: uuid,
      type: "docker",
      configuration: { config: { Cmd: ["sh"] } },
    });
    expect(await lab.images.list()).toContainEqual(
      expect.objectContaining({ imageUuid: uuid, ours: false, reference: "busybox:9" }),
    );
    await expect(lab.images.remove("busybox:9")).rejects.toMatchObject({ code: "IMAGE_NOT_OURS" });
    expect(await lab.imgadm.get(uuid)).toBeDefined();
  });
});

/** A tar of regular files with exactly these names. */
function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(
      "0000644\0" +
        "0000000\0" +
        "0000000\0" +
        Buffer.byteLength(content).toString(8).padStart(11, "0") +
        "\0" +
        "13145000000\0",
      100,
    );
    header.write("        0", 148);
    header.write("ustar\x0000", 257);
    header.write(
      header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0") + "\0 ",
      148,
    );
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
    body.write(content);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
