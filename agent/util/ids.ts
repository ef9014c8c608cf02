// Branded identifiers. Parsing is the only way to get one, and this file the only place that asserts a type:
// whatever carries a brand has been checked and may become a path component or an argument.
import { randomUUID } from "node:crypto";

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** uuid of a zone, lower case, 8-4-4-4-12. Safe as a path component and as an argument. */
export type ZoneUuid = Branded<string, "ZoneUuid">;
/** uuid of an image as imgadm knows it (the layer stack, not the docker image id). */
export type ImageUuid = Branded<string, "ImageUuid">;
/** `sha256:` + 64 lower-case hex digits. */
export type Digest = Branded<string, "Digest">;
/** Name of a container: `[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}`; safe as a path component and never an option. */
export type ContainerName = Branded<string, "ContainerName">;

/** Name of a volume: `[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}`; safe as a component of a path or of a dataset's name. */
export type VolumeName = Branded<string, "VolumeName">;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** vmadm takes lower-case uuids only (vmadm.md 5). */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

export function isZoneUuid(text: string): text is ZoneUuid {
  return UUID.test(text);
}

export function isImageUuid(text: string): text is ImageUuid {
  return UUID.test(text);
}

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

export function isContainerName(text: string): text is ContainerName {
  return NAME.test(text);
}

export function isVolumeName(text: string): text is VolumeName {
  return VOLUME_NAME.test(text);
}

export function newZoneUuid(): ZoneUuid {
  return randomUUID() as ZoneUuid;
}

/** Brands a hex digest computed by us. */
export function digestFromHex(hex: string): Digest {
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new TypeError(`not a sha256 in hex: ${hex}`);
  return `sha256:${hex}` as Digest;
}

/** Cuts the first 32 hex digits into the form of a uuid, as imgadm names layer stacks (imgadm.md 7.1). */
export function imageUuidFromHex(hex: string): ImageUuid {
  if (!/^[0-9a-f]{32,}$/.test(hex)) throw new TypeError(`not hex: ${hex}`);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  ) as ImageUuid;
}
