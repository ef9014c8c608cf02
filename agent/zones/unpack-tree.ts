// A tenant's tar onto the machine's disk. The archive is hostile: names may climb, links may lead anywhere, and an entry
// may go through a link that an earlier one made.
//
// So: names are checked as text; links are made last of all, when nothing more is written through anything; every
// directory on the way is looked at and must be a directory; files are opened without following their last component.
// Devices, FIFOs and sockets are left out.
import { constants } from "node:fs";
import { lchown, link, lstat, mkdir, open, rm, symlink, chmod, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { AgentError } from "../errors/agent-error.ts";

export interface UnpackOptions {
  /** An existing directory of the machine. */
  readonly into: string;
  /** Name of the tree in `into`, instead of the archive's own first component. */
  readonly as?: string | undefined;
  /** Keep owners; otherwise everything is ours. */
  readonly owners?: boolean;
  /** Called for each entry that is left out. */
  readonly onSkipped?: (name: string, why: string) => void;
}

interface Deferred {
  readonly path: string;
  readonly target: string;
  readonly header: Header;
}

/** Unpacks one tree. Raises COPY_FAILED for names and ways that leave `into`; what was written until then stays. */
export async function unpackTree(tar: Readable, options: UnpackOptions): Promise<void> {
  const links: Deferred[] = [];
  const directories: { readonly path: string; readonly header: Header }[] = [];
  const entries = extract();
  const fed = pipeline(tar, entries);
  fed.catch(() => undefined); // told below
  for await (const entry of entries) {
    const { header } = entry;
    const parts = placeOf(header.name, options.as);
    const path = join(options.into, ...parts);
    switch (header.type) {
      case "directory":
        await ensureDirectory(options.into, parts);
        if (parts.length > 0) directories.push({ path, header });
        break;
      case "file":
      case "contiguous-file":
        await ensureDirectory(options.into, parts.slice(0, -1));
        await writeFile(path, entry, header);
        if (options.owners === true) await lchown(path, header.uid, header.gid);
        break;
      case "symlink":
        await ensureDirectory(options.into, parts.slice(0, -1));
        links.push({ path, target: header.linkname, header });
        break;
      case "link": {
        const target = placeOf(header.linkname, options.as);
        await ensureDirectory(options.into, parts.slice(0, -1));
        await ensureDirectory(options.into, target.slice(0, -1));
        await linkFile(join(options.into, ...target), path, header.name);
        break;
      }
      default:
        options.onSkipped?.(header.name, `a ${header.type} is not copied`);
    }
    entry.resume();
  }
  await fed;
  for (const { path, target, header } of links) {
    await removeOther(path);
    await symlink(target, path);
    if (options.owners === true) await lchown(path, header.uid, header.gid);
  }
  // Deepest first, so that a read-only directory does not keep its own contents out.
  for (const { path, header } of directories.toReversed()) {
    if ((await lstat(path)).isSymbolicLink()) continue;
    if (options.owners === true) await lchown(path, header.uid, header.gid);
    await chmod(path, header.mode & 0o7777);
    await utimes(path, header.mtime, header.mtime);
  }
}

/** Components of an entry's place, the first one replaced by `as`. */
function placeOf(name: string, as: string | undefined): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (name.startsWith("/") || parts.includes("..") || name.includes("\0"))
    throw new AgentError("COPY_FAILED", `the archive holds the name ${JSON.stringify(name.slice(0, 200))}`, {
      hint: "it leads out of the copied tree: the container is not to be trusted",
    });
  return as === undefined || parts.length === 0 ? parts : [as, ...parts.slice(1)];
}

/** Makes what is missing; nothing on the way may be a link, whoever made it. */
async function ensureDirectory(root: string, parts: readonly string[]): Promise<void> {
  let path = root;
  for (const part of parts) {
    path = join(path, part);
    await mkdir(path, { mode: 0o755 }).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
    if (!(await lstat(path)).isDirectory()) throw new AgentError("COPY_FAILED", `${path} is no directory`);
  }
}

async function writeFile(path: string, content: AsyncIterable<unknown>, header: Header): Promise<void> {
  await removeOther(path);
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of content) if (Buffer.isBuffer(chunk)) await file.writeFile(chunk);
    await file.chmod(header.mode & 0o777);
    await file.utimes(header.mtime, header.mtime);
  } finally {
    await file.close();
  }
}

async function linkFile(target: string, path: string, name: string): Promise<void> {
  const status = await lstat(target).catch(() => undefined);
  if (!status?.isFile())
    throw new AgentError("COPY_FAILED", `${JSON.stringify(name)} is a link to what was not copied`);
  await removeOther(path);
  await link(target, path);
}

/** A link, a FIFO or a device in the place of a file or a link is replaced, never written to. */
async function removeOther(path: string): Promise<void> {
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined || status.isFile()) return;
  if (status.isDirectory()) throw new AgentError("COPY_FAILED", `${path} is a directory`);
  await rm(path);
}
