// Writes images as one tar: an OCI layout, and for `docker load` the older table of contents beside it, as docker
// itself does since version 25. Layers go in as they are, so every digest stays what it was.
import { createHash } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, resolve } from "node:path";
import { AgentError } from "../../errors/agent-error.ts";
import { syncDirectory } from "../../util/atomic-file.ts";
import { digestFromHex, type Digest } from "../../util/ids.ts";
import { tellFullDisk } from "../disk-space.ts";
import { TarWriter } from "../layers/tar-writer.ts";
import { parseReference } from "../reference.ts";

export type ArchiveFormat = "oci" | "docker-archive";

export interface SavedDocument {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface SavedImage {
  /** Canonical; may be empty. */
  readonly references: readonly string[];
  readonly manifest: SavedDocument & { readonly mediaType: string };
  readonly config: SavedDocument;
  readonly layers: readonly { readonly digest: Digest; readonly size: number }[];
  /** The bytes of a layer; hashed while they pass. */
  readonly open: (layer: { readonly digest: Digest; readonly size: number }) => AsyncIterable<Uint8Array>;
}

const PLAIN = { kind: "file", target: "", mode: 0o644, uid: 0, gid: 0, mtime: 1 } as const;

/**
 * Replaces `path` when everything is written and checked; before that, and after any failure, it is what it was.
 * The same images give the same bytes. IMAGE_CORRUPT, DISK_FULL, FILE_DENIED.
 */
export async function writeArchive(
  path: string,
  images: readonly SavedImage[],
  format: ArchiveFormat,
  signal: AbortSignal | undefined,
): Promise<void> {
  const target = resolve(path);
  const aside = `${target}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
  try {
    {
      await using writer = await TarWriter.create(aside);
      await writeMembers(writer, images, format, signal);
      await writer.finish();
      await writer.sync();
    }
    await rename(aside, target);
    await syncDirectory(dirname(target));
  } catch (error) {
    await rm(aside, { force: true });
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new AgentError("FILE_DENIED", `${dirname(target)} is no directory to write to`, { cause: error });
    throw await tellFullDisk(error, dirname(target), `writing ${path}`);
  }
}

async function writeMembers(
  writer: TarWriter,
  images: readonly SavedImage[],
  format: ArchiveFormat,
  signal: AbortSignal | undefined,
): Promise<void> {
  const member = async (name: string, bytes: Uint8Array): Promise<void> => {
    await writer.header({ ...PLAIN, path: name, size: bytes.length });
    await writer.content(bytes);
    await writer.pad(bytes.length);
  };
  await member("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  await member("index.json", json(indexOf(images)));
  if (format === "docker-archive") await member("manifest.json", json(images.map(tableEntry)));
  const written = new Set<Digest>();
  for (const { manifest, config, layers, open } of images) {
    for (const { digest, bytes } of [manifest, config]) {
      if (written.has(digest)) continue;
      written.add(digest);
      await member(blobMember(digest), bytes);
    }
    for (const layer of layers) {
      signal?.throwIfAborted();
      if (written.has(layer.digest)) continue;
      written.add(layer.digest);
      await writer.header({ ...PLAIN, path: blobMember(layer.digest), size: layer.size });
      await copyLayer(writer, layer, open(layer));
      await writer.pad(layer.size);
    }
  }
}

async function copyLayer(
  writer: TarWriter,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const hash = createHash("sha256");
  let copied = 0;
  for await (const chunk of chunks) {
    copied += chunk.length;
    if (copied > size) break;
    hash.update(chunk);
    await writer.content(chunk);
  }
  const actual = digestFromHex(hash.digest("hex"));
  if (copied === size && actual === digest) return;
  throw new AgentError(
    "IMAGE_CORRUPT",
    `layer ${digest} of ${size} bytes is damaged: ${copied} bytes hash to ${actual}`,
  );
}

function indexOf(images: readonly SavedImage[]): object {
  return {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: images.flatMap(({ references, manifest }) => {
      const entry = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
      if (references.length === 0) return [entry];
      return references.map((reference) => ({
        ...entry,
        annotations: {
          "io.containerd.image.name": reference,
          "org.opencontainers.image.ref.name": parseReference(reference).tag ?? reference,
        },
      }));
    }),
  };
}

function tableEntry({ references, config, layers }: SavedImage): object {
  return {
    Config: blobMember(config.digest),
    RepoTags: references.map((reference) => parseReference(reference).familiar),
    Layers: layers.map(({ digest }) => blobMember(digest)),
  };
}

function blobMember(digest: Digest): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}

function json(document: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(document));
}
