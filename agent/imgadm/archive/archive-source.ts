// The blobs of an unpacked archive, found by digest.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { AgentError } from "../../errors/agent-error.ts";
import { digestFromHex, type Digest } from "../../util/ids.ts";
import type { ContentSource } from "../oci/content-source.ts";
import type { Descriptor } from "../oci/documents.ts";
import type { ArchiveMember } from "./unpack.ts";

/** `find` gives the member that holds a blob; `archive` is the path people know. */
export function archiveSource(archive: string, find: (digest: Digest) => ArchiveMember | undefined): ContentSource {
  const need = (digest: Digest): ArchiveMember => {
    const member = find(digest);
    if (member === undefined) throw new AgentError("IMAGE_ARCHIVE_INVALID", `${archive} lacks blob ${digest}`);
    return member;
  };
  return {
    document: async (descriptor, limit) => {
      const member = need(descriptor.digest);
      const bytes = await readDocument(archive, descriptor.digest, member, limit);
      checkDocument(archive, descriptor, bytes);
      return bytes;
    },
    localFile: ({ digest }) => find(digest)?.file,
    blob: async function* (layer, signal, from = 0) {
      const stream = createReadStream(need(layer.digest).file, { signal, start: from, highWaterMark: 256 * 1024 });
      for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk;
    },
  };
}

/** Reads a small member; IMAGE_ARCHIVE_INVALID when it is larger than `limit` bytes. */
export async function readDocument(
  archive: string,
  name: string,
  member: ArchiveMember,
  limit: number,
): Promise<Buffer> {
  if (member.size > limit)
    throw new AgentError("IMAGE_ARCHIVE_INVALID", `${archive}: ${name} is larger than ${limit} bytes`);
  return await readFile(member.file);
}

function checkDocument(archive: string, descriptor: Descriptor, bytes: Buffer): void {
  const actual = sha256(bytes);
  if (bytes.length === descriptor.size && actual === descriptor.digest) return;
  throw new AgentError(
    "IMAGE_CORRUPT",
    `${archive}: blob ${descriptor.digest} of ${descriptor.size} bytes is damaged: ${bytes.length} bytes hash to ${actual}`,
  );
}

export function sha256(bytes: Uint8Array): Digest {
  return digestFromHex(createHash("sha256").update(bytes).digest("hex"));
}
