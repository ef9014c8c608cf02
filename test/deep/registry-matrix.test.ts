// Every form an image takes in a real registry, pulled and installed: the tree must be umoci's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ImageLab } from "../support/image-lab.ts";
import { describeTree, TestLayout, type LayerDirectory } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

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

async function expectUmocisTree(imageUuid: Parameters<ImageLab["tree"]>[0], tag: string): Promise<void> {
  expect(describeTree(lab.tree(imageUuid))).toEqual(describeTree(await layout.unpack(tag)));
}

describe.each([
  ["v2s2", "gzip", "application/vnd.docker.distribution.manifest.list.v2+json"],
  ["oci", "gzip", "application/vnd.oci.image.index.v1+json"],
  ["oci", "zstd", "application/vnd.oci.image.index.v1+json"],
])("%s with %s", (format, compression, indexType) => {
  const tag = `${format}-${compression}`;
  const repository = `matrix/${tag}`;
  let manifest: { readonly mediaType: string; readonly digest: string; readonly size: number };

  beforeAll(async () => {
    // Content of its own: layers that are there already would not be fetched.
    await layout.image(tag, [
      (l) => l.file("etc/a", tag).directory("var/empty").symlink("link", "etc/a").file("gone", tag),
      (l) =>
        l.file("etc/b", `b ${tag}`, { mode: 0o4755, uid: 33, gid: 34 }).hardLink("etc/c", "etc/b").whiteout("gone"),
    ]);
    const options = ["--format", format, "--dest-compress-format", compression];
    await registry.push(layout.directory, tag, `${repository}:1`, ...options);
    const accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/1`, { headers: { accept } });
    const body = await answer.arrayBuffer();
    const [layer] = (JSON.parse(Buffer.from(body).toString()) as { layers: { digest: string }[] }).layers;
    const magic = compression === "zstd" ? "28b52ffd" : "1f8b0800";
    expect(readFileSync(registry.blobFile(layer!.digest)).subarray(0, 4).toString("hex")).toBe(magic);
    manifest = {
      mediaType: answer.headers.get("content-type") ?? "",
      digest: answer.headers.get("docker-content-digest") ?? "",
      size: body.byteLength,
    };
  });

  it("by tag", async () => {
    await expectUmocisTree(await lab.images.pull(`${registry.host}/${repository}:1`), tag);
  });

  it("by digest", async () => {
    const record = await lab.images.pull(`${registry.host}/${repository}@${manifest.digest}`);
    expect(record.manifest).toBe(manifest.digest);
    await expectUmocisTree(record, tag);
  });

  it("through an index, by tag and by the index's digest", async () => {
    const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/all`, {
      method: "PUT",
      headers: { "content-type": indexType },
      body: JSON.stringify({
        schemaVersion: 2,
        mediaType: indexType,
        manifests: [{ ...manifest, platform: { os: "linux", architecture: "amd64" } }],
      }),
    });
    expect(answer.status).toBe(201);
    const digest = answer.headers.get("docker-content-digest") ?? "";
    for (const reference of [`${repository}:all`, `${repository}@${digest}`]) {
      const record = await lab.images.pull(`${registry.host}/${reference}`);
      expect(record.manifest).toBe(manifest.digest);
      await expectUmocisTree(record, tag);
    }
  });
});

it.each([1, 2, 60, 120])("%i layers", async (count) => {
  const tag = `layers-${count}`;
  const recipes = Array.from(
    { length: count },
    (_, i) => (l: LayerDirectory) => l.file(`${tag}/file-${i}`, `${i}`).file("common", `${tag} ${i}`),
  );
  await layout.image(tag, recipes);
  const record = await lab.images.pull(await registry.push(layout.directory, tag, `${tag}:1`));
  expect(record.layers.length).toBe(count);
  await expectUmocisTree(record, tag);
});
