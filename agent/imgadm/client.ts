// What the layers above may ask of the `imgadm` command. Implementations: `cli.ts` and `memory.ts`; both pass test/contract.
import type { ImageUuid } from "../util/ids.ts";
import type { ImageManifest, InstalledImage } from "./schema.ts";

export interface ImgadmCallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  readonly onSpawn?: (pid: number) => void;
}

export interface ImageSource {
  readonly url: string;
  readonly type: string;
  readonly insecure?: boolean | undefined;
}

export interface Imgadm {
  /** Every installed image of the pool. (`list -j` without filters: with filters imgadm 3.9.5 mixes computed fields into manifests.) */
  list(options?: ImgadmCallOptions): Promise<readonly InstalledImage[]>;
  /** undefined: not installed. */
  get(
    image: ImageUuid,
    options?: ImgadmCallOptions & { readonly children?: boolean },
  ): Promise<InstalledImage | undefined>;
  /**
   * Installs `file` (one tar for type docker) under the manifest's uuid. "Already installed" and "was installed while
   * waiting" are success. Both paths must be absolute and match `[A-Za-z0-9._/-]` (imgadm pastes them into a shell line).
   */
  install(manifest: ImageManifest, file: string, options?: ImgadmCallOptions): Promise<"installed" | "present">;
  /** Not installed is success; IMAGE_IN_USE while a zone or another image is its clone. */
  delete(image: ImageUuid, options?: ImgadmCallOptions): Promise<void>;
  /** The image, its origin, … down to the base. */
  ancestry(image: ImageUuid, options?: ImgadmCallOptions): Promise<readonly InstalledImage[]>;
  sources(options?: ImgadmCallOptions): Promise<readonly ImageSource[]>;
}
