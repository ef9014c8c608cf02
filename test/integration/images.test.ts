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
import { rawTar } from "../support/tars.ts";

let lab: ImageLab;
let layout: TestLayout;
let registry: TestRegistry;

beforeAll(async () => {
  lab = await ImageLab.create();
  layout = await TestLayout.create(join(lab.work, "images"));
  registry = await TestRegistry.start(join(lab.work, "registry"));
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
    // The slower one waits, or comes when all is done.
    expect(waited.length).toBeLessThanOrEqual(1);
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
    await layout.image("hostile", [{ tar: filesTar({ "../outside": "x" }) }]);
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
      (file: string) => writeFileSync(file, filesTar({ "readme.txt": "x" })),
      "IMAGE_ARCHIVE_INVALID",
    ],
    ["an empty file", (file: string) => writeFileSync(file, ""), "IMAGE_ARCHIVE_INVALID"],
    [
      "a broken manifest.json",
      (file: string) => writeFileSync(file, filesTar({ "manifest.json": "[{}]" })),
      "IMAGE_CORRUPT",
    ],
    [
      "an absent layer",
      (file: string) => writeFileSync(file, filesTar({ "manifest.json": '[{"Config":"c.json","Layers":["l.tar"]}]' })),
      "IMAGE_ARCHIVE_INVALID",
    ],
    [
      "a name outside",
      (file: string) => writeFileSync(file, filesTar({ "../index.json": "{}" })),
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
function filesTar(files: Readonly<Record<string, string>>): Buffer {
  return rawTar(Object.entries(files).map(([name, content]) => ({ name, content })));
}
