// What the layers above may ask about images: references in, installed layer chains and configurations out.
// The implementation (`image-store.ts`) joins the registry client, the layer rewriter, imgadm and our own records.
import type { ImageConfig } from "../spec/image-config.ts";
import type { Digest, ImageUuid } from "../util/ids.ts";

/** An image this node can run, as remembered in `/var/db/zonelet/images/<config digest>.json`. */
export interface ImageRecord {
  /** Digest of the configuration: what Docker calls the image id. */
  readonly config: Digest;
  /** Canonical references that name it (`docker.io/library/nginx:1.27`), newest last. */
  readonly references: readonly string[];
  /** Digest of the manifest it was pulled by; absent for a loaded docker-archive. */
  readonly manifest?: Digest;
  readonly platform: string;
  readonly layers: readonly Digest[];
  /** Image uuid of the whole layer stack: the zone's `image_uuid`. */
  readonly imageUuid: ImageUuid;
  /** Sum of the compressed layers in bytes. */
  readonly size: number;
  readonly createdAt?: string;
  readonly pulledAt: string;
  readonly configuration: ImageConfig;
}

/** An image a zone is about to be made of. `record` is absent for an image imgadm has but we did not bring. */
export interface RunnableImage {
  readonly imageUuid: ImageUuid;
  readonly record?: ImageRecord;
  readonly configuration: ImageConfig;
  /** `docker` or `lx-dataset`. */
  readonly type: string;
  /** From the image manifest's tags, where the image says one. */
  readonly kernelVersion?: string;
}

export type PullProgress =
  | { readonly type: "resolving"; readonly reference: string }
  | { readonly type: "resolved"; readonly reference: string; readonly layers: number; readonly bytes: number }
  | { readonly type: "layer-present"; readonly layer: Digest }
  /** The first `bytes` of it were kept by an earlier pull. */
  | { readonly type: "layer-resumed"; readonly layer: Digest; readonly bytes: number }
  | {
      readonly type: "layer-progress";
      readonly layer: Digest;
      readonly bytes: number;
      readonly total: number | undefined;
    }
  /** Fetched and checked. */
  | { readonly type: "layer-done"; readonly layer: Digest }
  | { readonly type: "layer-installed"; readonly layer: Digest }
  | { readonly type: "installing"; readonly layer: Digest; readonly imageUuid: ImageUuid }
  | { readonly type: "waiting"; readonly what: string };

export interface PullOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: PullProgress) => void) | undefined;
}

/** An image as `zonelet images` lists it, ours or not. */
export interface ImageListing {
  readonly reference: string | undefined;
  readonly config: Digest | undefined;
  readonly imageUuid: ImageUuid;
  readonly size: number | undefined;
  readonly createdAt: string | undefined;
  /** False for images brought by imgadm itself or a head node: never deleted by us. */
  readonly ours: boolean;
  readonly type: string | undefined;
}

export interface RemovedImage {
  readonly untagged: readonly string[];
  readonly deleted: readonly ImageUuid[];
  /** True where a zone or another image still needs the layers, so only the name went. */
  readonly kept: boolean;
}

export interface Images {
  /**
   * Finds an image by reference, config digest (or a unique prefix of ≥ 4 hex digits) or image uuid among what the node
   * has. undefined: not here. IMAGE_REFERENCE_AMBIGUOUS when a prefix fits several.
   */
  find(reference: string, options?: PullOptions): Promise<RunnableImage | undefined>;
  /** Fetches and installs the image a reference names; repeats cheaply when it is there. One pull per layer stack and node. */
  pull(reference: string, options?: PullOptions): Promise<ImageRecord>;
  /** Installs all images of an OCI layout tar or docker-archive. */
  load(file: string, options?: PullOptions): Promise<readonly ImageRecord[]>;
  list(options?: PullOptions): Promise<readonly ImageListing[]>;
  /** Removes a name, and the layers when no other name, zone or image needs them. */
  remove(reference: string, options?: PullOptions): Promise<RemovedImage>;
  /**
   * Runs `work` while no other zonelet process removes images: between "is installed" and `vmadm create` an image has
   * no clone to protect it (imgadm.md 9.2).
   */
  pinned<T>(image: ImageUuid, work: () => Promise<T>): Promise<T>;
}
