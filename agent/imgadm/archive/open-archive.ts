// Archives people hand over instead of a registry: told apart by what is in them.
import { posix } from "node:path";
import { AgentError } from "../../errors/agent-error.ts";
import type { ArchivedImage } from "./archived-image.ts";
import { readDockerArchive } from "./docker-archive.ts";
import { readOciLayout } from "./oci-layout.ts";
import { unpackArchive } from "./unpack.ts";

/**
 * Unpacks `path` into `directory` and reads the images in it. Their sources stay usable as long as the directory
 * exists. IMAGE_ARCHIVE_INVALID, IMAGE_CORRUPT, IMAGE_NO_AMD64, IMAGE_UNSUPPORTED.
 */
export async function openArchive(
  path: string,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<readonly ArchivedImage[]> {
  const members = await unpackArchive(path, directory, signal);
  // Newer docker versions write both; its own manifest.json has the full names.
  if (members.has("manifest.json")) return readDockerArchive(path, members, signal);
  if (members.has("index.json")) return readOciLayout(path, members, baseName(path), signal);
  const found = [...members.keys()].slice(0, 3).join(", ");
  throw new AgentError("IMAGE_ARCHIVE_INVALID", `${path} is neither an OCI layout nor a docker archive`, {
    hint: `it has no index.json and no manifest.json${found === "" ? "" : ` (but ${found})`}; make one with \`skopeo copy … oci-archive:FILE\` or \`docker save\``,
  });
}

/** `demo` of `/tmp/demo.tar.gz`, as far as it can be a repository's name. */
function baseName(path: string): string {
  const stem = posix.basename(path).replace(/(\.oci)?\.(tar|tgz|tar\.gz|tar\.zst)$/i, "");
  return (
    stem
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "image"
  );
}
