// An OCI image layout: `index.json` and `blobs/sha256/…` (image-spec, image-layout.md).
import { AgentError } from "../../errors/agent-error.ts";
import { LIMITS } from "../limits.ts";
import { parseImageDocument, type IndexEntry } from "../oci/documents.ts";
import { isAttestation } from "../oci/platform.ts";
import { noAmd64, searchImage } from "../oci/resolve.ts";
import { parseReference } from "../reference.ts";
import { archiveSource, readDocument } from "./archive-source.ts";
import type { ArchivedImage } from "./archived-image.ts";
import type { ArchiveMembers } from "./unpack.ts";

const FULL_NAME = "io.containerd.image.name";
const REF_NAME = "org.opencontainers.image.ref.name";

/** The images of the layout that run here; IMAGE_NO_AMD64 when there are others only. */
export async function readOciLayout(
  archive: string,
  members: ArchiveMembers,
  baseName: string,
  signal: AbortSignal | undefined,
): Promise<readonly ArchivedImage[]> {
  const member = members.get("index.json");
  if (member === undefined) throw new AgentError("IMAGE_ARCHIVE_INVALID", `${archive} has no index.json`);
  const what = `index.json of ${archive}`;
  const bytes = await readDocument(archive, "index.json", member, LIMITS.manifest);
  const document = parseImageDocument(bytes, undefined, what);
  if (document.kind !== "index") throw new AgentError("IMAGE_ARCHIVE_INVALID", `${what} is not an index`);
  const source = archiveSource(archive, (digest) => members.get(`blobs/sha256/${digest.slice("sha256:".length)}`));
  const images: ArchivedImage[] = [];
  const offered = new Set<string>();
  for (const entry of document.index.manifests.filter((each) => !isAttestation(each))) {
    const references = entryReferences(entry, baseName);
    const root = {
      bytes: await source.document(entry, LIMITS.manifest, signal),
      digest: entry.digest,
      contentType: entry.mediaType,
    };
    // A layout may hold one image per platform side by side.
    const image = await searchImage(source, root, references[0] ?? archive, offered, signal);
    if (image) images.push({ references, image });
  }
  if (images.length > 0) return mergeNames(images);
  if (offered.size > 0) throw noAmd64(archive, [...offered]);
  throw new AgentError("IMAGE_ARCHIVE_INVALID", `${archive} holds no image`);
}

/** The same image under several names is several entries. */
function mergeNames(images: readonly ArchivedImage[]): readonly ArchivedImage[] {
  const merged = new Map<string, ArchivedImage>();
  for (const each of images) {
    const earlier = merged.get(each.image.config);
    merged.set(each.image.config, {
      image: each.image,
      references: [...new Set([...(earlier?.references ?? []), ...each.references])],
    });
  }
  return [...merged.values()];
}

/** The full name some tools write; a bare tag is completed with the archive's own name, as podman does. */
function entryReferences(entry: IndexEntry, baseName: string): readonly string[] {
  const full = entry.annotations?.[FULL_NAME];
  const name = entry.annotations?.[REF_NAME];
  const candidates =
    full !== undefined
      ? [full]
      : name === undefined
        ? []
        : [/[/:]/.test(name) ? name : `localhost/${baseName}:${name}`];
  return candidates.flatMap((candidate) => {
    try {
      return [parseReference(candidate).canonical];
    } catch {
      // A name nobody could ask for: the image is still reachable by its digest.
      return [];
    }
  });
}
