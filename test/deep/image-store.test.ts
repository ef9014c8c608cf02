// The store over a lab: what is kept, tagged, saved and cleared up, and what is never touched.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { layerStackUuid } from "../../agent/imgadm/layer-uuid.ts";
import type { ImageRecord } from "../../agent/imgadm/images.ts";
import { isDigest, type Digest } from "../../agent/util/ids.ts";
import { FakeRegistry } from "../support/fake-registry.ts";
import { ImageLab } from "../support/image-lab.ts";
import { describeTree } from "../support/images.ts";

let lab: ImageLab;
let registry: FakeRegistry;
const BASE = [
  { name: "etc/", type: "5" },
  { name: "etc/base", content: "base" },
];

beforeAll(async () => {
  lab = await ImageLab.create();
  registry = await FakeRegistry.start();
});

afterAll(async () => {
  await registry.stop();
  await lab.destroy();
});

const digestOf = (text: string): Digest => {
  if (!isDigest(text)) throw new Error(text);
  return text;
};
const blobs = (): readonly string[] =>
  existsSync(lab.host.paths.imageBlobs) ? readdirSync(lab.host.paths.imageBlobs) : [];

async function pull(name: string, ...layers: Parameters<FakeRegistry["layered"]>[1]): Promise<ImageRecord> {
  registry.layered(name, layers);
  return lab.images.pull(`${registry.host}/${name}:1`);
}

async function removeAll(): Promise<void> {
  await lab.images.prune({ all: true });
  expect(await lab.imgadm.list()).toEqual([]);
  expect(blobs()).toEqual([]);
}

describe("save", () => {
  it("of a pulled image asks the registry once more, by digest, and keeps every digest", async () => {
    const record = await pull("saved", BASE, [{ name: "etc/more" }]);
    const tree = describeTree(lab.tree(record));
    // Whatever the tag now means, the archive holds what was pulled.
    registry.layered("saved", [[{ name: "other" }]]);
    registry.manifests.set(record.manifest!, {
      type: "application/vnd.oci.image.manifest.v1+json",
      body: readFileSync(lab.host.paths.imageBlob(record.manifest!)),
    });
    const file = join(lab.work, "saved.tar");
    await lab.images.save(file, [record.references[0]!]);
    const again = join(lab.work, "again.tar");
    await lab.images.save(again, [record.references[0]!]);
    expect(readFileSync(file).equals(readFileSync(again)), "the same bytes each time").toBe(true);
    await removeAll();

    const [loaded] = await lab.images.load(file);
    expect(loaded).toMatchObject({
      config: record.config,
      manifest: record.manifest,
      layers: record.layers,
      imageUuid: record.imageUuid,
      references: record.references,
    });
    expect(describeTree(lab.tree(loaded!))).toEqual(tree);
    await removeAll();
  });
});

describe("prune", () => {
  it("takes what has no name and what killed pulls left, tells it before, and spares the rest", async () => {
    const named = await pull("named", BASE);
    const moved = await pull("moved", BASE, [{ name: "old" }]);
    await pull("moved", BASE, [{ name: "new" }]);
    // As a puller killed after the first of two layers leaves it.
    const half = await pull("half", [{ name: "half" }], [{ name: "whole" }]);
    await lab.imgadm.delete(half.imageUuid);
    rmSync(lab.host.paths.imageRecord(half.config));
    mkdirSync(join(lab.host.paths.scratch, "kept"), { recursive: true, mode: 0o700 });
    writeFileSync(join(lab.host.paths.scratch, "kept", `${"a".repeat(64)}.blob`), "x".repeat(1000));
    const lower = layerStackUuid(half.layers.slice(0, 1).map(digestOf));

    const told = await lab.images.prune({ dryRun: true });
    expect(told.deleted.toSorted()).toEqual([lower, moved.imageUuid].toSorted());
    expect(told.bytes).toBeGreaterThanOrEqual(1000);
    expect(await lab.imgadm.get(lower)).toBeDefined();
    const done = await lab.images.prune();
    expect(done.deleted.toSorted()).toEqual(told.deleted.toSorted());
    expect(done.bytes).toBe(told.bytes);
    expect(lab.scratch()).toEqual([]);
    expect(await lab.images.find(named.references[0]!)).toBeDefined();
    expect(await lab.images.prune()).toEqual({ untagged: [], deleted: [], bytes: 0 });
    await removeAll();
  });

  it("forgets an image that imgadm removed behind our back, which is pulled again as ever", async () => {
    const record = await pull("behind", BASE);
    await lab.imgadm.delete(record.imageUuid);
    expect(await lab.images.list()).toEqual([]);
    expect(await lab.images.find(record.config)).toBeUndefined();
    await lab.images.pull(record.references[0]!);
    expect(await lab.images.find(record.config)).toBeDefined();
    await lab.imgadm.delete(record.imageUuid);
    await lab.images.prune();
    expect(readdirSync(lab.host.paths.imageRecords)).toEqual([]);
    expect(blobs()).toEqual([]);
  });

  it("never takes what imgadm or a head node brought, nor what they build on", async () => {
    const ours = await pull("ours", BASE);
    const foreign = layerStackUuid([...ours.layers.map(digestOf), digestOf(`sha256:${"f".repeat(64)}`)]);
    const file = join(lab.work, "foreign.tar");
    execFileSync("tar", ["-cf", file, "-C", lab.work, "--files-from=/dev/null"]);
    await lab.imgadm.install(
      {
        v: 2,
        uuid: foreign,
        name: "docker-layer",
        version: "x",
        type: "docker",
        os: "linux",
        origin: ours.imageUuid,
        tags: { "docker:id": `sha256:${"f".repeat(64)}` },
      },
      file,
    );
    expect((await lab.images.prune({ all: true })).deleted).toEqual([]);
    expect((await lab.imgadm.list()).map(({ manifest }) => manifest.uuid).toSorted()).toEqual(
      [ours.imageUuid, foreign].toSorted(),
    );
    await expect(lab.images.save(file, [foreign])).rejects.toMatchObject({ code: "IMAGE_NOT_OURS" });
    await lab.imgadm.delete(foreign);
    await removeAll();
  });
});

describe("at the same time", () => {
  it("two images on common layers fetch and install those once", async () => {
    const wide = [...BASE, { name: "wide", content: "w".repeat(10_000) }];
    const base = registry.layered("left", [wide, [{ name: "left" }]])[0]!;
    registry.layered("right", [wide, [{ name: "right" }]]);
    const before = lab.calls("install").length;
    const [left, right] = await Promise.all([
      lab.images.pull(`${registry.host}/left:1`),
      lab.images.pull(`${registry.host}/right:1`),
    ]);
    expect(left.layers[0]).toBe(right.layers[0]);
    expect(registry.fetched(base.digest)).toHaveLength(1);
    expect(lab.calls("install").length - before).toBe(3);
    const layers = await lab.images.layers();
    expect(layers.filter(({ digest }) => digest === base.digest).map(({ sharedWith }) => sharedWith)).toEqual([1, 1]);
    await removeAll();
  });

  it("prunes and the removal of an image on the same layers do no harm to a pull", async () => {
    const other = await pull("other", BASE, [{ name: "other" }]);
    registry.layered("busy", [BASE, [{ name: "a" }], [{ name: "b" }]]);
    const before = lab.calls("install").length;
    const others: Promise<unknown>[] = [];
    const record = await lab.images.pull(`${registry.host}/busy:1`, {
      onProgress: ({ type }) => {
        if (type !== "installing") return;
        if (others.length === 0) others.push(lab.images.remove(other.references[0]!));
        others.push(lab.images.prune());
      },
    });
    const [removed] = await Promise.all(others);
    expect(removed).toMatchObject({ deleted: [other.imageUuid], kept: false });
    expect(readdirSync(lab.tree(record)).toSorted()).toEqual(["a", "b", "etc"]);
    expect(lab.calls("install").length - before, "nothing was taken away under the pull").toBe(2);
    await removeAll();
  });
});
