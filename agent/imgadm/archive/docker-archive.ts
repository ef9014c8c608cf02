// What `docker save` writes: `manifest.json` listing configurations, tags and layer files.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { posix } from "node:path";
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { digestFromHex, type Digest } from "../../util/ids.ts";
import { LIMITS } from "../limits.ts";
import { parseJson, parseWith } from "../oci/documents.ts";
import { isRunnable, platformText } from "../oci/platform.ts";
import { checkedDiffIds, noAmd64, parseConfiguration, type ImageLayer } from "../oci/resolve.ts";
import { parseReference } from "../reference.ts";
import { archiveSource, readDocument, sha256 } from "./archive-source.ts";
import type { ArchivedImage } from "./archived-image.ts";
import type { ArchiveMember, ArchiveMembers } from "./unpack.ts";

const manifestSchema = z
  .array(
    z.object({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).max(LIMITS.layers),
    }),
  )
  .min(1);
type SavedImage = z.output<typeof manifestSchema>[number];

/** All images of the archive; each must run here. */
export async function readDockerArchive(
  archive: string,
  members: ArchiveMembers,
  signal: AbortSignal | undefined,
): Promise<readonly ArchivedImage[]> {
  const what = `manifest.json of ${archive}`;
  const bytes = await readDocument(
    archive,
    "manifest.json",
    memberOf(archive, members, "manifest.json"),
    LIMITS.manifest,
  );
  const hashed = new Map<ArchiveMember, Promise<Digest>>();
  const images: ArchivedImage[] = [];
  for (const saved of parseWith(manifestSchema, parseJson(bytes, what), what))
    images.push(await openSaved(archive, members, saved, hashed, signal));
  return images;
}

async function openSaved(
  archive: string,
  members: ArchiveMembers,
  saved: SavedImage,
  hashed: Map<ArchiveMember, Promise<Digest>>,
  signal: AbortSignal | undefined,
): Promise<ArchivedImage> {
  const references = (saved.RepoTags ?? []).map((tag) => parseReference(tag).canonical);
  const name = references[0] ?? `${saved.Config} in ${archive}`;
  const bytes = await readDocument(archive, saved.Config, memberOf(archive, members, saved.Config), LIMITS.config);
  const configuration = parseConfiguration(bytes, name);
  const platform = {
    os: configuration.os ?? "",
    architecture: configuration.architecture ?? "",
    variant: configuration.variant,
  };
  if (!isRunnable(platform)) throw noAmd64(name, [platformText(platform)]);
  const config = sha256(bytes);
  checkConfigName(archive, saved.Config, config);
  const diffIds = checkedDiffIds(configuration, saved.Layers.length, name);
  const byDigest = new Map<Digest, ArchiveMember>();
  const layers: ImageLayer[] = [];
  for (const [index, file] of saved.Layers.entries()) {
    const member = memberOf(archive, members, file);
    const digest = await hashOnce(hashed, member, signal);
    const diffId = diffIds[index];
    if (diffId === undefined) throw new AgentError("IMAGE_ARCHIVE_INVALID", `${archive}: ${file} has no diff id`);
    byDigest.set(digest, member);
    layers.push({ digest, size: member.size, diffId });
  }
  return {
    references,
    image: {
      config,
      manifest: undefined,
      platform: platformText(platform),
      configuration,
      layers,
      documents: [{ digest: config, bytes }],
      source: archiveSource(archive, (digest) => byDigest.get(digest)),
    },
  };
}

/** The configuration's file is called after its digest: `<hex>.json` or `blobs/sha256/<hex>`. Other names claim nothing. */
function checkConfigName(archive: string, file: string, config: Digest): void {
  const claimed = /^([0-9a-f]{64})(?:\.json)?$/.exec(posix.basename(file))?.[1];
  if (claimed !== undefined && config !== `sha256:${claimed}`)
    throw new AgentError("IMAGE_CORRUPT", `${archive}: ${file} is damaged: its bytes hash to ${config}`);
}

async function hashOnce(
  hashed: Map<ArchiveMember, Promise<Digest>>,
  member: ArchiveMember,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const known = hashed.get(member);
  if (known) return known;
  const hashing = hashFile(member.file, signal);
  hashed.set(member, hashing);
  return hashing;
}

async function hashFile(file: string, signal: AbortSignal | undefined): Promise<Digest> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), hash, signal ? { signal } : {});
  return digestFromHex(hash.digest("hex"));
}

function memberOf(archive: string, members: ArchiveMembers, name: string): ArchiveMember {
  const member = members.get(posix.normalize(name));
  if (member === undefined) throw new AgentError("IMAGE_ARCHIVE_INVALID", `${archive} lacks ${JSON.stringify(name)}`);
  return member;
}
