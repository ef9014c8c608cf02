// Paths as a zone sees them, opened from outside. Symbolic links are the tenant's: they are followed within the zone
// (its root and what is mounted over it) and never by the machine's own rules. Only safe against links that are there
// when we look, which is enough while nothing of the zone runs.
import { chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";

export interface ZoneMount {
  /** Absolute path in the zone, without links in it. */
  readonly target: string;
  /** Path on the machine. */
  readonly source: string;
}

/** `code` is the errno name. */
export class InRootError extends Error {
  readonly code: string;
  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

export interface Resolved {
  /** Canonical path in the zone. */
  readonly inZone: string;
  /** The same file on the machine. */
  readonly onHost: string;
  /** Undefined: nothing there, but its directory exists. */
  readonly stats: Stats | undefined;
}

const MAX_LINKS = 40;

export class ZoneFiles {
  readonly #root: string;
  readonly #mounts: readonly ZoneMount[];

  constructor(root: string, mounts: readonly ZoneMount[]) {
    this.#root = root;
    // The longest target wins; of equal ones the later mount lies on top.
    this.#mounts = [...mounts].reverse().sort((a, b) => b.target.length - a.target.length);
  }

  /**
   * Walks `path` (relative ones from `from`). Throws InRootError ENOENT for a missing directory on the way, ENOTDIR, ELOOP.
   * `followLast: false` stops at a link in the last place.
   */
  resolve(path: string, { from = "/", followLast = true }: { from?: string; followLast?: boolean } = {}): Resolved {
    const queue = splitPath(path.startsWith("/") ? path : `${from}/${path}`);
    const at: string[] = [];
    let links = 0;
    let stats: Stats | undefined = this.#lstat("/");
    for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
      if (stats === undefined) throw new InRootError("ENOENT", path);
      if (!stats.isDirectory()) throw new InRootError("ENOTDIR", path);
      if (part === "..") {
        at.pop();
        stats = this.#lstat(`/${at.join("/")}`);
        continue;
      }
      const inZone = `/${[...at, part].join("/")}`;
      const found = this.#lstat(inZone);
      if (found?.isSymbolicLink() === true && (followLast || queue.length > 0)) {
        if (++links > MAX_LINKS) throw new InRootError("ELOOP", path);
        const target = readlinkSync(this.onHost(inZone));
        if (target.startsWith("/")) at.length = 0;
        queue.unshift(...splitPath(target));
        stats = this.#lstat(`/${at.join("/")}`);
        continue;
      }
      at.push(part);
      stats = found;
    }
    const inZone = `/${at.join("/")}`;
    return { inZone, onHost: this.onHost(inZone), stats };
  }

  /** Where a canonical path of the zone lies on the machine. */
  onHost(inZone: string): string {
    for (const { target, source } of this.#mounts) {
      if (inZone === target) return source;
      if (target === "/" || inZone.startsWith(`${target}/`)) return join(source, inZone.slice(target.length));
    }
    return join(this.#root, inZone);
  }

  /** A canonical path as the mount point it is once the zone's root is in place. */
  belowRoot(inZone: string): string {
    return join(this.#root, inZone);
  }

  /** Text of a file; undefined if it does not exist or is not a regular file. */
  readText(path: string): string | undefined {
    try {
      const { onHost, stats } = this.resolve(path);
      return stats?.isFile() === true ? readFileSync(onHost, "utf8") : undefined;
    } catch (error) {
      if (error instanceof InRootError) return undefined;
      throw error;
    }
  }

  /** `mkdir -p`, new directories with `mode`, owned by root. Throws InRootError (ENOTDIR, ELOOP, EEXIST for a file). */
  makeDirectories(path: string, mode: number): Resolved {
    const parts = splitPath(path);
    let at = this.resolve("/");
    for (const part of parts) {
      const next = this.#resolveOrLeaf(part === ".." ? `${at.inZone}/..` : `${at.inZone}/${part}`);
      if (next.stats === undefined) {
        mkdirSync(next.onHost, { mode });
        chmodSync(next.onHost, mode); // the umask of the machine is not the zone's
      } else if (!next.stats.isDirectory()) throw new InRootError("EEXIST", path);
      at = this.resolve(next.inZone);
    }
    return at;
  }

  /** As resolve; a dangling link counts as the file it names, as mkdir(2) refuses it with EEXIST. */
  #resolveOrLeaf(path: string): Resolved {
    const leaf = this.resolve(path, { followLast: false });
    if (leaf.stats?.isSymbolicLink() !== true) return leaf;
    const target = this.resolve(path);
    if (target.stats === undefined) throw new InRootError("EEXIST", path);
    return target;
  }

  #lstat(inZone: string): Stats | undefined {
    return lstatSync(this.onHost(inZone), { throwIfNoEntry: false });
  }
}

function splitPath(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
