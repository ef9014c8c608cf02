// The store over a lab: what is kept, tagged, saved and cleared up, and what is never touched.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageRecord } from "../../agent/imgadm/images.ts";
import { dockerArchive } from "../support/docker-archive.ts";
import { FakeRegistry } from "../support/fake-registry.ts";
import { ImageLab } from "../support/image-lab.ts";

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
