// A twin of imgadm in memory, for unit tests of the layers above. It does what test/contract checks of the command line,
// and nothing more.
import { stat } from "node:fs/promises";
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import type { ImageUuid } from "../util/ids.ts";
import type { Imgadm, ImgadmCallOptions } from "./client.ts";
import {
  imageManifestSchema,
  imageUuid,
  installedImageSchema,
  type ImageManifest,
  type InstalledImage,
} from "./schema.ts";

export interface MemoryImgadmOptions {
  /** Images that are there from the start. */
  readonly images?: Iterable<ImageManifest>;
  readonly pool?: string;
  /** Datasets of zones made of an image: `delete` refuses while there are any. */
  readonly clonesOf?: (image: ImageUuid) => readonly string[];
}

export interface MemoryImgadm extends Imgadm {
  /** Installs so far, in order; repeats that found the image present included. */
  readonly installs: readonly { readonly image: ImageUuid; readonly file: string }[];
  /** Makes the next call of `operation` fail without doing anything. */
  failNext(operation: "list" | "get" | "install" | "delete" | "ancestry" | "sources", error: AgentError): void;
}

export function createMemoryImgadm(options: MemoryImgadmOptions = {}): MemoryImgadm {
  const pool = options.pool ?? "zones";
  const manifests = new Map<ImageUuid, ImageManifest>();
  for (const manifest of options.images ?? []) manifests.set(manifest.uuid, manifest);
  const installs: { image: ImageUuid; file: string }[] = [];
  const failures = new Map<string, AgentError>();

  async function call<T>(operation: string, { signal }: ImgadmCallOptions, work: () => T | Promise<T>): Promise<T> {
    try {
      signal?.throwIfAborted();
      await Promise.resolve();
      const failure = failures.get(operation);
      failures.delete(operation);
      if (failure) throw failure;
      return await work();
    } catch (error) {
      throw fromUnknown(error);
    }
  }

  const clonesOf = (image: ImageUuid): string[] => [
    ...(options.clonesOf?.(image) ?? []),
    ...[...manifests.values()].filter((other) => other.origin === image).map((other) => `${pool}/${other.uuid}`),
  ];

  function shown(manifest: ImageManifest, children = false): InstalledImage {
    const clones = clonesOf(manifest.uuid);
    return installedImageSchema.parse({
      manifest,
      zpool: pool,
      ...(children ? { children: { snapshots: [`${pool}/${manifest.uuid}@final`], clones } } : {}),
    });
  }

  return {
    installs,
    failNext: (operation, error) => void failures.set(operation, error),

    list: (o = {}) =>
      call("list", o, () =>
        [...manifests.values()].map((manifest) => {
          const cloneNames = clonesOf(manifest.uuid);
          return { ...shown(manifest), cloneNames, clones: cloneNames.length };
        }),
      ),

    get: (image, { children = false, ...o } = {}) =>
      call("get", o, () => {
        const manifest = manifests.get(image);
        return manifest && shown(manifest, children);
      }),

    install: (given, file, o = {}) =>
      call("install", o, async () => {
        const subject = `install image ${given.uuid}`;
        const manifest = imageManifestSchema.safeParse(given);
        if (!manifest.success) throw new AgentError("IMAGE_MANIFEST_INVALID", subject, { cause: manifest.error });
        const found = await stat(file).catch(() => undefined);
        if (!found) throw new AgentError("IMAGE_FILE_INVALID", `${subject}: there is no file ${file}`);
        installs.push({ image: given.uuid, file });
        if (manifests.has(given.uuid)) return "present";
        const size = given.files?.[0]?.size;
        if (size !== undefined && size !== found.size)
          throw new AgentError("IMAGE_FILE_INVALID", `${subject}: the file has another size than its manifest says`);
        const { origin } = given;
        if (origin !== undefined && !manifests.has(origin))
          throw new AgentError("IMAGE_ORIGIN_MISSING", `${subject}: its origin ${origin} is not installed`, {
            details: { origin },
          });
        manifests.set(given.uuid, manifest.data);
        return "installed";
      }),

    delete: (image, o = {}) =>
      call("delete", o, () => {
        const [clone, ...others] = clonesOf(image);
        if (clone !== undefined)
          throw new AgentError("IMAGE_IN_USE", `delete image ${image}: ${clone} is made of it`, {
            details: { clone, others: others.length },
          });
        manifests.delete(image);
      }),

    ancestry: (image, o = {}) =>
      call("ancestry", o, () => {
        const chain: InstalledImage[] = [];
        for (let next: string | undefined = image; next !== undefined;) {
          const manifest = manifests.get(imageUuid.parse(next));
          if (!manifest)
            throw new AgentError("IMAGE_NOT_INSTALLED", `look up ancestry of image ${image}: ${next} is not installed`);
          chain.push(shown(manifest));
          next = manifest.origin;
        }
        return chain;
      }),

    sources: (o = {}) => call("sources", o, () => []),
  };
}
