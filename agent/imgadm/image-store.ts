// Images of this node: brings them in from registries and archives, finds, lists and removes them (imgadm.md 9).
// Their place to come: `prune` and `df` beside remove-image.ts, `save` beside archive/.
import { resolve as resolvePath } from "node:path";
import type { Config } from "../config/schema.ts";
import { AgentError } from "../errors/agent-error.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import { openArchive } from "./archive/open-archive.ts";
import type { Imgadm } from "./client.ts";
import { findImage } from "./find-image.ts";
import { imageLocks } from "./image-locks.ts";
import { ImageRecords } from "./image-records.ts";
import type { ImageRecord, Images, PullOptions } from "./images.ts";
import { installChain, type ChainContext } from "./install-chain.ts";
import { listImages } from "./list-images.ts";
import { resolveImage, type ResolvedImage } from "./oci/resolve.ts";
import { parseReference } from "./reference.ts";
import { registryAccess } from "./registry/access.ts";
import { RepositoryClient } from "./registry/client.ts";
import type { RetryPolicy } from "./registry/retry.ts";
import { removeImage } from "./remove-image.ts";
import { openScratch } from "./scratch.ts";

export interface ImagesOptions {
  readonly host: Host;
  readonly imgadm: Imgadm;
  readonly config: Pick<Config, "host" | "registries" | "proxies">;
  readonly log: Logger;
  /** Patience with registries; tests shorten it. */
  readonly retry?: RetryPolicy;
}

/** Touches nothing until it is asked. */
export function createImages({ host, imgadm, config, log, retry }: ImagesOptions): Images {
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

  const install = async (
    image: ResolvedImage,
    references: readonly string[],
    options: PullOptions,
  ): Promise<ImageRecord> => {
    const bytes = image.layers.reduce((sum, { size }) => sum + size, 0);
    options.onProgress?.({
      type: "resolved",
      reference: references[0] ?? image.config,
      layers: image.layers.length,
      bytes,
    });
    const imageUuid = await installChain(chain, image, references, options);
    return await records.remember(
      {
        config: image.config,
        references,
        ...(image.manifest === undefined ? {} : { manifest: image.manifest }),
        platform: image.platform,
        layers: image.layers.map(({ digest }) => digest),
        imageUuid,
        size: bytes,
        ...(image.configuration.created === undefined ? {} : { createdAt: image.configuration.created }),
        pulledAt: new Date().toISOString(),
        configuration: image.configuration,
      },
      locks,
      options.signal,
    );
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
        return await install(image, [reference.canonical], options);
      } finally {
        await access.transport.close();
      }
    },
    load: async (file, options = {}) => {
      await using scratch = await openScratch(host.paths.scratch, locks, { signal: options.signal });
      const loaded: ImageRecord[] = [];
      for (const { image, references } of await openArchive(resolvePath(file), scratch.directory, options.signal))
        loaded.push(await install(image, references, options));
      return loaded;
    },
    list: (options = {}) => listImages({ imgadm, records }, options.signal),
    remove: (reference, options = {}) => removeImage({ imgadm, records, locks, log }, reference, options),
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
