import { createReadStream } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { AgentError } from "../errors/agent-error.ts";

export interface PackOptions {
  /** File, directory or link of the machine. */
  readonly from: string;
  /** What it is called in the archive; `.` gives a directory's contents. */
  readonly as: string;
  /** Keep owners; otherwise everything is root's. */
  readonly owners: boolean;
  /** A link in the place of `from` itself is read as what it leads to. */
  readonly follow: boolean;
}

/** A tar of the tree. What is neither file, directory nor link is left out. A file that shrinks while it is read is an error. */
export function packTree(options: PackOptions): Readable {
  const tar = pack();
  const work = async (): Promise<void> => {
    await add(tar, options.from, options.as, options, options.follow);
    tar.finalize();
  };
  work().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(tar);
}

async function add(tar: Pack, path: string, name: string, options: PackOptions, follow: boolean): Promise<void> {
  const status = follow ? await stat(path) : await lstat(path);
  const header = {
    name,
    mode: status.mode & 0o7777,
    mtime: status.mtime,
    ...(options.owners ? { uid: status.uid, gid: status.gid } : { uid: 0, gid: 0 }),
  };
  if (status.isDirectory()) {
    if (name !== ".") tar.entry({ ...header, type: "directory" });
    for (const child of await readdir(path)) await add(tar, join(path, child), `${name}/${child}`, options, false);
  } else if (status.isSymbolicLink()) {
    tar.entry({ ...header, type: "symlink", linkname: await readlink(path) });
  } else if (status.isFile()) {
    const entry = tar.entry({ ...header, type: "file", size: status.size });
    // What is appended meanwhile is not part of the copy: the header has told the size.
    const content = createReadStream(path, status.size === 0 ? {} : { end: status.size - 1 });
    let read = 0;
    content.on("data", (chunk) => (read += chunk.length));
    if (status.size === 0) entry.end(Buffer.alloc(0));
    else await pipeline(content, entry);
    if (read < status.size) throw new AgentError("COPY_FAILED", `${path} became shorter while it was read`);
  }
}
