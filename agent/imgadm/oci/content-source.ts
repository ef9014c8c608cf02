// Where the bytes of an image come from: a registry, or an archive unpacked aside. Everything above is the same for both.
import type { Digest } from "../../util/ids.ts";
import type { Descriptor } from "./documents.ts";

export interface ContentSource {
  /**
   * A whole small document. Checked against its digest and size; IMAGE_CORRUPT when they differ or it is larger than
   * `limit` bytes.
   */
  document(descriptor: Descriptor, limit: number, signal: AbortSignal | undefined): Promise<Uint8Array>;
  /**
   * The bytes of a layer from offset `from` (default 0), not yet checked: the reader hashes them while they pass. Ends
   * early only with an error.
   */
  blob(
    layer: { readonly digest: Digest; readonly size: number },
    signal: AbortSignal,
    from?: number,
  ): AsyncIterable<Uint8Array>;
  /** Where the bytes of {@link blob} lie already, if they lie in a file: then they need not be written again. */
  localFile?(layer: { readonly digest: Digest }): string | undefined;
}
