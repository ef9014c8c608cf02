// Our memory of images: one file per configuration, because one layer stack may serve several (imgadm.md 7.1, 8).
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { inlineChain } from "../errors/chain.ts";
import type { HostPaths } from "../host/paths.ts";
import type { Logger } from "../log/logger.ts";
import { imageConfigSchema } from "../spec/image-config.ts";
import { writeFileAtomic } from "../util/atomic-file.ts";
import { isNewerRecord } from "../util/record-version.ts";
import { isDigest, type Digest } from "../util/ids.ts";
import type { ImageLocks } from "./image-locks.ts";
import type { ImageRecord } from "./images.ts";
import { imageUuid } from "./schema.ts";

const VERSION = 1;
const digest = z.string().refine(isDigest, "not a sha256 digest");

const recordSchema = z.strictObject({
  version: z.literal(VERSION),
  config: digest,
  references: z.array(z.string()),
  manifest: digest.optional(),
  platform: z.string(),
  layers: z.array(digest).min(1),
  layerSizes: z.array(z.number().nonnegative()).optional(),
  imageUuid,
  size: z.number().nonnegative(),
  createdAt: z.string().optional(),
  pulledAt: z.string(),
  configuration: imageConfigSchema,
});

export class ImageRecords {
  readonly #paths: HostPaths;
  readonly #log: Logger;

  constructor(paths: HostPaths, log: Logger) {
    this.#paths = paths;
    this.#log = log;
  }

  /**
   * All records, oldest pull first. One that cannot be read is moved to `corrupt/` and logged, and is no error; one that a
   * newer zonelet wrote stays for it.
   */
  async all(): Promise<readonly ImageRecord[]> {
    const records: ImageRecord[] = [];
    for (const name of await listDirectory(this.#paths.imageRecords)) {
      // What a killed writer left aside ends in .new.
      if (!/^[0-9a-f]{64}\.json$/.test(name)) continue;
      const record = await this.#read(name);
      if (record) records.push(record);
    }
    return records.sort((a, b) => a.pulledAt.localeCompare(b.pulledAt));
  }

  /**
   * Writes what was pulled or loaded. A name that another record had moves here; names this record had before stay.
   * Returns the record as it is now.
   */
  async remember(record: ImageRecord, locks: ImageLocks, signal: AbortSignal | undefined): Promise<ImageRecord> {
    const guard = await locks.records(signal ? { signal } : {});
    try {
      const all = await this.all();
      const earlier = all.find(({ config }) => config === record.config);
      const kept = (earlier?.references ?? []).filter((name) => !record.references.includes(name));
      const manifest = record.manifest ?? earlier?.manifest;
      const merged = {
        ...record,
        ...(manifest === undefined ? {} : { manifest }),
        references: [...kept, ...record.references],
      };
      await this.put(merged);
      for (const other of all) {
        if (other.config === record.config) continue;
        const names = other.references.filter((name) => !record.references.includes(name));
        if (names.length !== other.references.length) await this.put({ ...other, references: names });
      }
      return merged;
    } finally {
      guard?.release();
    }
  }

  async put(record: ImageRecord): Promise<void> {
    await writeFileAtomic(
      this.#paths.imageRecord(record.config),
      `${JSON.stringify({ version: VERSION, ...record }, null, 2)}\n`,
    );
  }

  /** Absent already is success. */
  async delete(config: Digest): Promise<void> {
    await rm(this.#paths.imageRecord(config), { force: true });
  }

  async #read(name: string): Promise<ImageRecord | undefined> {
    const path = join(this.#paths.imageRecords, name);
    try {
      const json: unknown = JSON.parse(await readFile(path, "utf8"));
      if (isNewerRecord(json, VERSION)) {
        this.#log.warn({ path }, "image record of a newer zonelet left alone");
        return undefined;
      }
      return withoutVersion(recordSchema.parse(json));
    } catch (error) {
      if (isMissing(error)) return undefined;
      const aside = join(this.#paths.corrupt, `image-${name}`);
      this.#log.error({ path, aside, reason: inlineChain(error) }, "image record cannot be read, moved aside");
      await mkdir(this.#paths.corrupt, { recursive: true, mode: 0o700 });
      await rename(path, aside).catch((failure: unknown) => {
        if (!isMissing(failure)) throw failure;
      });
      return undefined;
    }
  }
}

function withoutVersion(stored: z.output<typeof recordSchema>): ImageRecord {
  const { config, references, manifest, platform, layers, size, createdAt, pulledAt, configuration } = stored;
  return {
    config,
    references,
    ...(manifest === undefined ? {} : { manifest }),
    platform,
    layers,
    ...(stored.layerSizes === undefined ? {} : { layerSizes: stored.layerSizes }),
    imageUuid: stored.imageUuid,
    size,
    ...(createdAt === undefined ? {} : { createdAt }),
    pulledAt,
    configuration,
  };
}

async function listDirectory(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
