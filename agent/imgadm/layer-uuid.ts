// Names of layer stacks. imgadm and IMGAPI derive an image's uuid from the digests of its layers, so an image that
// either of them brought is recognised by us, and the other way round (imgadm.md 7.1, RFD 57).
import { createHash } from "node:crypto";
import { imageUuidFromHex, type Digest, type ImageUuid } from "../util/ids.ts";

/** uuid of the stack of `layers`, base first: the compressed blobs' digests joined by blanks, hashed, cut to a uuid. */
export function layerStackUuid(layers: readonly Digest[]): ImageUuid {
  return uuidOf(layers.join(" "));
}

/**
 * uuid of the removal image below the topmost of `layers`: it takes away what that layer deletes or replaces with
 * something of another kind, before the layer's own entries arrive (imgadm.md 9.1 step 5).
 */
export function removalUuid(layers: readonly Digest[]): ImageUuid {
  return uuidOf(`removals ${layers.join(" ")}`);
}

function uuidOf(text: string): ImageUuid {
  return imageUuidFromHex(createHash("sha256").update(text).digest("hex"));
}
