// A docker archive of one image, as `docker save` writes it.
import { createHash } from "node:crypto";
import { rawTar, type RawEntry } from "./tars.ts";

const hex = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export function dockerArchive(
  tags: readonly string[],
  layers: readonly (readonly RawEntry[])[],
  config: object = {},
): Buffer {
  const tars = layers.map(rawTar);
  const configuration = JSON.stringify({
    os: "linux",
    architecture: "amd64",
    config,
    rootfs: { type: "layers", diff_ids: tars.map((tar) => `sha256:${hex(tar)}`) },
  });
  const name = `${hex(Buffer.from(configuration))}.json`;
  const manifest = [{ Config: name, RepoTags: tags, Layers: tars.map((_, index) => `${index}/layer.tar`) }];
  return rawTar([
    { name, content: configuration },
    ...tars.map((tar, index) => ({ name: `${index}/layer.tar`, content: tar.toString("latin1") })),
    { name: "manifest.json", content: JSON.stringify(manifest) },
  ]);
}
