// Images of this node: brings them in from registries and archives, finds, lists and removes them (imgadm.md 9).
import { resolve as resolvePath } from "node:path";
import type { Config } from "../config/schema.ts";
import { AgentError } from "../errors/agent-error.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import { datasetSizes } from "../host/dataset-sizes.ts";
import { openArchive } from "./archive/open-archive.ts";
import { writeArchive } from "./archive/write-archive.ts";
import { chooseImages } from "./choose-images.ts";
import type { Imgadm } from "./client.ts";
import { findImage } from "./find-image.ts";
import { imageLocks } from "./image-locks.ts";
import { ImageBlobs } from "./image-blobs.ts";
import { imageUsage } from "./image-usage.ts";
import type { ZoneNames } from "./image-users.ts";
import { ImageRecords } from "./image-records.ts";
import type { ImageRecord, Images, PullOptions } from "./images.ts";
import { installChain, type ChainContext } from "./install-chain.ts";
import { listLayers } from "./list-layers.ts";
import { listImages } from "./list-images.ts";
import { resolveImage, type ResolvedImage } from "./oci/resolve.ts";
import { pruneImages, sweepBlobs } from "./prune-images.ts";
import { parseReference, repositoryOf } from "./reference.ts";
import { registryAccess } from "./registry/access.ts";
import { RepositoryClient } from "./registry/client.ts";
import type { RetryPolicy } from "./registry/retry.ts";
import { removeImage } from "./remove-image.ts";
import { collectImage, type ImageOrigin } from "./save-image.ts";
import { tagImage } from "./tag-image.ts";
import { openScratch } from "./scratch.ts";

export interface ImagesOptions {
  readonly host: Host;
  readonly imgadm: Imgadm;
  readonly config: Pick<Config, "host" | "images" | "registries" | "proxies">;
  readonly log: Logger;
  /** Names of zones for messages; without it uuids are shown. */
  readonly zoneNames?: ZoneNames;
  /** Patience with registries; tests shorten it. */
  readonly retry?: RetryPolicy;
}

/** Touches nothing until it is asked. */
export function createImages({ host, imgadm, config, log, zoneNames, retry }: ImagesOptions): Images {
  const blobs = new ImageBlobs(host.paths);
  const records = new ImageRecords(host.paths, log);
  const locks = imageLocks(host.paths.locks);
  const chain: ChainContext = {
    host,
    imgadm,
    pool: config.host.pool,
    concurrency: config.registries.concurrency,
    locks,
    log,
  };
  const removing = { imgadm, records, locks, log, zoneNames: zoneNames ?? (() => Promise.resolve(new Map())) };

  const install = async (
    image: ResolvedImage,
    references: readonly string[],
    options: PullOptions,
    onInstalled?: ChainContext["onInstalled"],
  ): Promise<ImageRecord> => {
    const bytes = image.layers.reduce((sum, { size }) => sum + size, 0);
    options.onProgress?.({
      type: "resolved",
      reference: references[0] ?? image.config,
      layers: image.layers.length,
      bytes,
    });
    for (const { digest, bytes: document } of image.documents) await blobs.put(digest, document);
    using installed = await installChain(onInstalled ? { ...chain, onInstalled } : chain, image, references, options);
    return await records.remember(
      {
        config: image.config,
        references,
        ...(image.manifest === undefined ? {} : { manifest: image.manifest }),
        platform: image.platform,
        layers: image.layers.map(({ digest }) => digest),
        layerSizes: image.layers.map(({ size }) => size),
        imageUuid: installed.imageUuid,
        size: bytes,
        ...(image.configuration.created === undefined ? {} : { createdAt: image.configuration.created }),
        pulledAt: new Date().toISOString(),
        configuration: image.configuration,
      },
      locks,
      options.signal,
    );
  };

  /** From before the first blob of an image is kept until its record tells of it. */
  const holdingBlobs = async <T>({ signal, onProgress }: PullOptions, work: () => Promise<T>): Promise<T> => {
    const lock = await locks.blobs({
      shared: true,
      onWait: () => onProgress?.({ type: "waiting", what: "another zonelet process, which is clearing up" }),
      ...(signal ? { signal } : {}),
    });
    try {
      return await work();
    } finally {
      lock?.release();
    }
  };
  const keepFetched = ({ signal }: PullOptions): ChainContext["onInstalled"] =>
    config.images.keepBlobs === "all" ? ({ layer, file }) => blobs.adopt(layer.digest, file, signal) : undefined;
  const keepLoaded = async ({ layers, source }: ResolvedImage, { signal }: PullOptions): Promise<void> => {
    for (const layer of layers) {
      const file = source.localFile?.(layer);
      if (file !== undefined) await blobs.adopt(layer.digest, file, signal);
    }
  };
  /** The repositories an image was named after, asked for its manifest by digest. */
  const openRegistries = (): AsyncDisposable & { originsOf: (record: ImageRecord) => readonly ImageOrigin[] } => {
    const access = registryAccess({ config, paths: host.paths, log, ...(retry ? { retry } : {}) });
    return {
      originsOf: ({ references, manifest }) =>
        manifest === undefined
          ? []
          : [...new Set(references.toReversed().map(repositoryOf))].map(
              (repository) => new RepositoryClient(parseReference(`${repository}@${manifest}`), access),
            ),
      [Symbol.asyncDispose]: () => access.transport.close(),
    };
  };

  return {
    find: (reference, options = {}) => findImage({ imgadm, records }, reference, options.signal),
    pull: async (text, options = {}) => {
      const reference = parseReference(text);
      options.onProgress?.({ type: "resolving", reference: reference.canonical });
      const access = registryAccess({ config, paths: host.paths, log, ...(retry ? { retry } : {}) });
      try {
        const repository = new RepositoryClient(reference, access);
        const root = await repository.root(options.signal);
        const image = await resolveImage(repository, root, reference.familiar, options.signal);
        return await holdingBlobs(options, () => install(image, [reference.canonical], options, keepFetched(options)));
      } finally {
        await access.transport.close();
      }
    },
    load: (file, options = {}) =>
      holdingBlobs(options, async () => {
        await using scratch = await openScratch(host.paths.scratch, locks, { signal: options.signal });
        const loaded: ImageRecord[] = [];
        for (const { image, references } of await openArchive(resolvePath(file), scratch.directory, options.signal)) {
          loaded.push(await install(image, references, options));
          if (config.images.keepBlobs !== "none") await keepLoaded(image, options);
        }
        return loaded;
      }),
    list: (options = {}) => listImages({ imgadm, records }, options.signal),
    layers: (options = {}) => listLayers({ imgadm, records }, options.signal),
    remove: async (reference, options = {}) => {
      const removed = await removeImage(removing, reference, options);
      await sweepBlobs(removing, blobs);
      return removed;
    },
    tag: (source, target, options = {}) => tagImage(removing, source, target, options),
    prune: (options = {}) => pruneImages({ ...removing, blobs, scratch: host.paths.scratch }, options),
    save: (file, references, options = {}) =>
      holdingBlobs(options, async () => {
        await using registries = openRegistries();
        const saved = [];
        for (const { record, names } of await chooseImages(removing, references, options.signal))
          saved.push(await collectImage({ blobs, origins: registries.originsOf }, record, names, options.signal));
        await writeArchive(file, saved, options.format ?? "oci", options.signal);
      }),
    usage: (options = {}) =>
      imageUsage(
        {
          imgadm,
          records,
          blobs,
          scratch: host.paths.scratch,
          pool: config.host.pool,
          sizes: (signal) => datasetSizes(host, config.host.pool, signal),
        },
        options.signal,
      ),
    pinned: async (image, work) => {
      const lock = await locks.image(image, { shared: true });
      if (lock === undefined) throw new AgentError("LOCKED", `image ${image} is locked`);
      try {
        return await work();
      } finally {
        lock.release();
      }
    },
  };
}
