// The digest of what was asked for. The same request twice has the same digest, so a repeated `run --name` can tell
// "this is the one I began" from "another container has my name".
import { createHash } from "node:crypto";
import { digestFromHex, isUuid, type Digest } from "../util/ids.ts";
import type { ZoneManifest } from "../vmadm/schema.ts";
import { DOCKER_KEYS, MARK_KEYS } from "./metadata-keys.ts";

/** Values that were made up and differ between two equal requests. */
export interface MadeUp {
  readonly name: boolean;
  readonly hostname: boolean;
}

/** Digest of the payload without identities, made-up names, volume uuids and our format mark, and of what is beside it. */
export function intentDigest(manifest: ZoneManifest, madeUp: MadeUp, content: readonly unknown[] = []): Digest {
  const { alias, hostname, internal_metadata: metadata, filesystems, ...rest } = manifest;
  const intent = {
    ...rest,
    uuid: undefined,
    ...(madeUp.name ? {} : { alias }),
    ...(madeUp.hostname ? {} : { hostname }),
    ...(content.length === 0 ? {} : { content }),
    filesystems: filesystems?.map((fs) => (isUuid(fs.source) ? { ...fs, source: "volume" } : fs)),
    internal_metadata: Object.fromEntries(
      Object.entries(metadata ?? {})
        .filter(([key]) => key !== DOCKER_KEYS.id && key !== MARK_KEYS.version && key !== MARK_KEYS.digest)
        .map(([key, value]) => [key, key === DOCKER_KEYS.logConfig ? withoutIdentity(value) : value]),
    ),
  };
  /** A log's tag may be made of them. */
  function withoutIdentity(value: string | number | boolean): string {
    const id = String(metadata?.[DOCKER_KEYS.id] ?? "");
    const text =
      id.length === 64 ? String(value).replaceAll(id, "id").replaceAll(id.slice(0, 12), "id") : String(value);
    return madeUp.name && alias !== undefined ? text.replaceAll(alias, "name") : text;
  }
  return digestFromHex(createHash("sha256").update(canonicalJson(intent)).digest("hex"));
}

/** JSON with sorted keys and no undefined ones. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
