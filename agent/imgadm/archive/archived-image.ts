import type { ResolvedImage } from "../oci/resolve.ts";

/** One image of an archive, with the names the archive gives it. */
export interface ArchivedImage {
  /** Canonical; may be empty. */
  readonly references: readonly string[];
  readonly image: ResolvedImage;
}
