// The store over a lab: what is kept, tagged, saved and cleared up, and what is never touched.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { layerStackUuid } from "../../agent/imgadm/layer-uuid.ts";
import type { ImageRecord } from "../../agent/imgadm/images.ts";
import { isDigest, type Digest } from "../../agent/util/ids.ts";
import { dockerArchive } from "../support/docker-archive.ts";
import { FakeRegistry } from "../support/fake-registry.ts";
import { ImageLab } from "../support/image-lab.ts";
import { describeTree } from "../support/images.ts";

let lab: ImageLab;
let registry: FakeRegistry;
const BASE = [
  { name: "etc/", type: "5" },
  { name: "etc/base", content: "base" },
];
const ZONE = "11111111-2222-3333-4444-555555555555";

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
const zfs = (...args: string[]) => lab.host.run("zfs", { args, timeoutMs: 20_000, mutates: true });

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

  it.each(["oci", "docker-archive"] as const)("of a loaded image needs nobody (%s)", async (format) => {
    const input = join(lab.work, `in-${format}.tar`);
    writeFileSync(input, dockerArchive(["quay.io/team/app:2"], [BASE, [{ name: "etc/.wh.base" }]], { Cmd: ["/app"] }));
    const [record] = await lab.images.load(input);
    const output = join(lab.work, `out-${format}.tar`);
    await lab.images.save(output, [record!.config.slice(7, 19), "quay.io/team/app:2"], { format });
    await removeAll();
    const [loaded] = await lab.images.load(output);
    expect(loaded).toMatchObject({
      config: record!.config,
      layers: record!.layers,
      imageUuid: record!.imageUuid,
      references: ["quay.io/team/app:2"],
      configuration: { rootfs: record!.configuration.rootfs, config: { Cmd: ["/app"] } },
    });
    await removeAll();
  });

  it("is read by skopeo, and so is what skopeo makes of it", async () => {
    const input = join(lab.work, "in.tar");
    writeFileSync(input, dockerArchive(["quay.io/team/app:2"], [BASE], { Env: ["A=1"] }));
    const [record] = await lab.images.load(input);
    for (const [format, transport] of [
      ["oci", "oci-archive"],
      ["docker-archive", "docker-archive"],
    ] as const) {
      const file = join(lab.work, `skopeo-${format}.tar`);
      await lab.images.save(file, ["quay.io/team/app:2"], { format });
      const inspected = execFileSync("skopeo", ["inspect", "--raw", "--config", `${transport}:${file}`]);
      expect(JSON.parse(inspected.toString())).toMatchObject({ config: { Env: ["A=1"] } });
    }
    const layout = join(lab.work, "directory");
    mkdirSync(layout);
    execFileSync("tar", ["-xf", join(lab.work, "skopeo-oci.tar"), "-C", layout]);
    await removeAll();
    const [loaded] = await lab.images.load(layout);
    expect(loaded).toMatchObject({ config: record!.config, references: ["quay.io/team/app:2"] });
    await removeAll();
  });

  it("tells what is missing, what it cannot name, and leaves the file alone", async () => {
    const record = await pull("gone", BASE);
    const file = join(lab.work, "kept.tar");
    writeFileSync(file, "mine");
    registry.blobs.delete(record.layers[0]!);
    await expect(lab.images.save(file, [record.config])).rejects.toMatchObject({ code: "IMAGE_BLOBS_MISSING" });
    rmSync(lab.host.paths.imageBlob(record.manifest!));
    registry.manifests.clear();
    await expect(lab.images.save(file, [record.config])).rejects.toMatchObject({ code: "IMAGE_BLOBS_MISSING" });
    await expect(lab.images.save(file, ["nosuch"])).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    await expect(lab.images.save("/nowhere/x.tar", [record.config])).rejects.toBeDefined();
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(readdirSync(lab.work).filter((name) => name.endsWith(".new"))).toEqual([]);
    await removeAll();
  });
});

describe("tag", () => {
  it("gives another name, takes it from whoever had it, and both go one by one", async () => {
    const one = await pull("one", BASE);
    const two = await pull("two", [{ name: "two" }]);
    await lab.images.tag(one.config.slice(7, 15), "mine");
    expect((await lab.images.find("mine:latest"))?.record?.config).toBe(one.config);
    await lab.images.tag(two.references[0]!, "mine:latest");
    expect((await lab.images.find("mine"))?.record?.config).toBe(two.config);
    expect(await lab.images.remove("mine")).toMatchObject({ untagged: ["docker.io/library/mine:latest"], kept: true });
    await expect(lab.images.tag("nosuch", "mine")).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    await expect(lab.images.tag("two", `mine@${one.config}`)).rejects.toMatchObject({
      code: "IMAGE_REFERENCE_INVALID",
    });
    await removeAll();
  });
});

describe("images in use", () => {
  it("lose their last name by force only, and their layers with the container", async () => {
    const record = await pull("used", BASE, [{ name: "x" }]);
    await zfs("clone", `zones/${record.imageUuid}@final`, `zones/${ZONE}`);
    const reference = record.references[0]!;
    await expect(lab.images.remove(reference)).rejects.toMatchObject({
      code: "IMAGE_IN_USE",
      message: `image ${reference} is used by container ${ZONE}`,
    });
    expect((await lab.images.prune({ all: true })).deleted).toEqual([]);
    await lab.images.tag(reference, "second");
    expect(await lab.images.remove("second")).toMatchObject({ kept: true });
    expect(await lab.images.remove(reference, { force: true })).toEqual({
      untagged: [reference],
      deleted: [],
      kept: true,
    });
    expect(await lab.images.list()).toMatchObject([{ config: record.config, reference: undefined }]);
    expect((await lab.images.usage()).images).toMatchObject([{ config: record.config, containers: 1 }]);
    await zfs("destroy", "-r", `zones/${ZONE}`);
    expect((await lab.images.prune()).deleted).toHaveLength(2);
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
