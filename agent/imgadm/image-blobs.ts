// Bytes of images that imgadm does not keep: manifests and configurations, whose digests are names people use, and the
// layers as they were packed, where nobody else could give them to `save` again (DECISIONS.md, "Saving images").
//
// Content-addressed: `/var/db/zonelet/blobs/<hex>`. Nothing enters unchecked, and a name is there when all of it is.
// Writers hold the blobs lock shared from before they write until a record tells of the blob; who clears up holds it alone.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AgentError } from "../errors/agent-error.ts";
import type { HostPaths } from "../host/paths.ts";
import { writeFileAtomic } from "../util/atomic-file.ts";
import { digestFromHex, type Digest } from "../util/ids.ts";
import { KIB } from "../util/units.ts";
import { tellFullDisk } from "./disk-space.ts";
import type { ImageRecord } from "./images.ts";

export class ImageBlobs {
  readonly #paths: HostPaths;

  constructor(paths: HostPaths) {
    this.#paths = paths;
  }

  /** Bytes of the blob; undefined when it is not kept. */
  async size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.#paths.imageBlob(digest))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** A small blob, checked; undefined when it is not kept or not what its name says any more. */
  async read(digest: Digest): Promise<Buffer | undefined> {
    try {
      const bytes = await readFile(this.#paths.imageBlob(digest));
      return sha256(bytes) === digest ? bytes : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The bytes of a large one, not checked. */
  async *stream(digest: Digest, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const options = { highWaterMark: 256 * KIB, ...(signal ? { signal } : {}) };
    for await (const chunk of createReadStream(this.#paths.imageBlob(digest), options))
      if (chunk instanceof Uint8Array) yield chunk;
  }

  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if ((await this.size(digest)) === bytes.length) return;
    await writeFileAtomic(this.#paths.imageBlob(digest), bytes);
  }

  /** Keeps the blob that lies in `file`, which stays. IMAGE_CORRUPT when its bytes are not the digest's; DISK_FULL. */
  async adopt(digest: Digest, file: string, signal: AbortSignal | undefined): Promise<void> {
    if ((await this.size(digest)) !== undefined) return;
    const path = this.#paths.imageBlob(digest);
    const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      await link(file, aside).catch(async (error: unknown) => {
        // Another dataset, or a file system without hard links.
        if (!(error instanceof Error && "code" in error && ["EXDEV", "EPERM", "EMLINK"].includes(String(error.code))))
          throw error;
        await copyFile(file, aside);
      });
      const hash = createHash("sha256");
      await pipeline(createReadStream(aside, { highWaterMark: 256 * KIB }), hash, signal ? { signal } : {});
      const actual = digestFromHex(hash.digest("hex"));
      if (actual !== digest) throw new AgentError("IMAGE_CORRUPT", `blob ${digest}: the bytes hash to ${actual}`);
      await rename(aside, path);
      // Renaming onto another name of the same file does nothing at all and leaves both.
      await rm(aside, { force: true });
    } catch (error) {
      await rm(aside, { force: true });
      throw await tellFullDisk(error, dirname(path), `keeping blob ${digest}`);
    }
  }

  /**
   * Removes what no record tells of and what killed writers left; returns the bytes given back. The caller holds the
   * lock alone. With `dryRun` it only counts.
   */
  async retain(records: readonly ImageRecord[], { dryRun = false } = {}): Promise<number> {
    const wanted = new Set(
      records.flatMap((record) => blobsOf(record).map((digest) => digest.slice("sha256:".length))),
    );
    let bytes = 0;
    for (const name of await this.#names()) {
      if (wanted.has(name)) continue;
      const path = join(this.#paths.imageBlobs, name);
      bytes += (await stat(path)).size;
      if (!dryRun) await rm(path, { force: true });
    }
    return bytes;
  }

  /** Bytes of everything kept. */
  async total(): Promise<number> {
    let bytes = 0;
    for (const name of await this.#names()) bytes += (await stat(join(this.#paths.imageBlobs, name))).size;
    return bytes;
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.#paths.imageBlobs);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

function blobsOf(record: ImageRecord): readonly Digest[] {
  return [record.config, ...(record.manifest === undefined ? [] : [record.manifest]), ...record.layers];
}

function sha256(bytes: Uint8Array): Digest {
  return digestFromHex(createHash("sha256").update(bytes).digest("hex"));
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
