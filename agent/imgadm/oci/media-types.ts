// Media types of images, and the three things a document can turn out to be (container-specs.md 10.4).
export const MANIFEST_TYPES = {
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
} as const;

/** In one header: some registries ignore repeated ones. */
export const ACCEPT_MANIFESTS = [...Object.values(MANIFEST_TYPES), "*/*"].join(", ");

export type DocumentKind = "index" | "manifest" | "schema1";

const KIND_OF_TYPE: Readonly<Record<string, DocumentKind>> = {
  [MANIFEST_TYPES.dockerManifest]: "manifest",
  [MANIFEST_TYPES.ociManifest]: "manifest",
  [MANIFEST_TYPES.dockerList]: "index",
  [MANIFEST_TYPES.ociIndex]: "index",
  "application/vnd.docker.distribution.manifest.v1+json": "schema1",
  "application/vnd.docker.distribution.manifest.v1+prettyjws": "schema1",
};

/** undefined for generic and unknown types: then the document itself has to tell. */
export function kindOfMediaType(mediaType: string | undefined): DocumentKind | undefined {
  return mediaType === undefined ? undefined : KIND_OF_TYPE[(mediaType.split(";")[0] ?? "").trim().toLowerCase()];
}

const LAYER_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd",
  "application/vnd.docker.image.rootfs.diff.tar",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/vnd.docker.image.rootfs.diff.tar.zstd",
]);

/** The compression is not taken from the type: Docker's plain `diff.tar` is compressed often enough, so bytes are sniffed. */
export function isLayerType(mediaType: string): boolean {
  return LAYER_TYPES.has(mediaType);
}

export function isForeignLayerType(mediaType: string): boolean {
  return mediaType.includes(".nondistributable.") || mediaType.includes(".foreign.");
}
