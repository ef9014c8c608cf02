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
  /** Bytes of the packed layers, as in {@link layers}; absent in records written before it was remembered. */
  readonly layerSizes?: readonly number[];
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

export interface RemoveOptions extends PullOptions {
  /** Take the names off although containers are made of the image; their layers stay. */
  readonly force?: boolean;
}

export interface PruneOptions extends PullOptions {
  /** Also images with a name, where no container is made of them. */
  readonly all?: boolean;
  /** Tell, do nothing. */
  readonly dryRun?: boolean;
}

export interface SaveOptions extends PullOptions {
  /** Default `oci`. `docker-archive` adds the table of contents `docker load` of any version reads. */
  readonly format?: "oci" | "docker-archive";
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

/** A layer as `zonelet images --layers` lists it. */
export interface LayerListing {
  readonly config: Digest;
  readonly reference: string | undefined;
  readonly digest: Digest;
  /** Of the stack up to this layer: the dataset that holds it. */
  readonly imageUuid: ImageUuid;
  /** Packed bytes. */
  readonly size: number | undefined;
  /** Other images on this very layer. */
  readonly sharedWith: number;
}

export interface PrunedImages {
  readonly untagged: readonly string[];
  readonly deleted: readonly ImageUuid[];
  /** Bytes of the packed layers that went, those of interrupted pulls included. */
  readonly bytes: number;
}

/** Bytes on disk; what images share is counted once in the sums. */
export interface ImageUsage {
  readonly images: readonly {
    readonly config: Digest;
    readonly reference: string | undefined;
    readonly imageUuid: ImageUuid;
    readonly bytes: number;
    /** The part of `bytes` other images need as well. */
    readonly sharedBytes: number;
    readonly containers: number;
  }[];
  readonly bytes: number;
  /** What `prune -a` would give back. */
  readonly reclaimableBytes: number;
  /** Images brought by imgadm itself or a head node. */
  readonly foreignBytes: number;
  /** Kept for `save`. */
  readonly savedBlobBytes: number;
  /** Layers interrupted pulls left for the next one. */
  readonly interruptedBytes: number;
}

/** An image as `zonelet images` lists it, ours or not. */
export interface ImageListing {
  readonly reference: string | undefined;
  readonly config: Digest | undefined;
  readonly imageUuid: ImageUuid;
  /** Of the manifest it was pulled by. */
  readonly manifest: Digest | undefined;
  readonly labels: Readonly<Record<string, string>>;
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
  layers(options?: PullOptions): Promise<readonly LayerListing[]>;
  /**
   * Removes a name, and the layers when no other name, zone or image needs them. IMAGE_IN_USE when it is the last name
   * of an image with containers, unless `force`.
   */
  remove(reference: string, options?: RemoveOptions): Promise<RemovedImage>;
  /** Gives an image another name, taking that name from whatever had it. IMAGE_NOT_FOUND, IMAGE_NOT_OURS. */
  tag(source: string, target: string, options?: PullOptions): Promise<ImageRecord>;
  /** Removes images without a name, remains of killed pulls, and with `all` images without containers. */
  prune(options?: PruneOptions): Promise<PrunedImages>;
  /** Writes images with all their digests to `file`; see archive/write-archive.ts. IMAGE_BLOBS_MISSING. */
  save(file: string, references: readonly string[], options?: SaveOptions): Promise<void>;
  usage(options?: PullOptions): Promise<ImageUsage>;
  /**
   * Runs `work` while no other zonelet process removes images: between "is installed" and `vmadm create` an image has
   * no clone to protect it (imgadm.md 9.2).
   */
  pinned<T>(image: ImageUuid, work: () => Promise<T>): Promise<T>;
}
