// What a registry or an archive may make us hold or write. All in bytes unless the name says otherwise (style: E2, E4).
import { GIB, KIB, MIB } from "../util/units.ts";

export const LIMITS = {
  manifest: 4 * MIB,
  config: 8 * MIB,
  /** Body of an error answer or of a token server that we look at. */
  errorBody: 64 * KIB,
  layers: 512,
  /** Packed. */
  layer: 20 * GIB,
  /** All layers of an image, packed. */
  image: 40 * GIB,
  layerUnpacked: 40 * GIB,
  /** A layer that unpacks to more than this many times its size is refused once it is past `ratioFrom`. */
  ratio: 200,
  ratioFrom: GIB,
  entriesPerLayer: 1_000_000,
  pathBytes: 4096,
  /** Members of an archive given to `load`: 127 layers need three each in the oldest format. */
  archiveMembers: 10_000,
} as const;
