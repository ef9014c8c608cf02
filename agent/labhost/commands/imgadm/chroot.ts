// Paths as gtar sees them: chrooted to the partial dataset, working in its `root/` (imgadm.md 6.2). Resolved by hand,
// component by component, so that no link of a layer leads out of the dataset, whatever its target.
import { lstatSync, readlinkSync, type Stats } from "node:fs";

const MAX_LINKS = 40;

/** A system call that failed, as far as gtar's messages tell. */
class Errno extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The words of illumos for the errors an extraction meets. */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EEXIST: "File exists",
  EINVAL: "Invalid argument",
  EISDIR: "Is a directory",
  ELOOP: "Number of symbolic links encountered during path name traversal exceeds MAXSYMLINKS",
  EMLINK: "Too many links",
  ENAMETOOLONG: "File name too long",
  ENOENT: "No such file or directory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "File exists",
  EPERM: "Not owner",
};

export function errnoText(code: string): string {
  return TEXTS[code] ?? code;
}

/** undefined: `work` succeeded. Errors of the runtime about arguments (a NUL in a name) are EINVAL. */
export function errnoOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    return code.startsWith("ERR_") ? "EINVAL" : code;
  }
}

export class Chroot {
  readonly base: string;

  /** `base`: the mounted partial dataset, a real path. */
  constructor(base: string) {
    this.base = base;
  }

  /**
   * The real path of `name`, all links in its directories followed; the last component is not looked at.
   * Raises Errno ENOENT, ENOTDIR or ELOOP.
   */
  path(name: string): string {
    return this.#walk(name, false);
  }

  /** What is there when all links are followed; undefined: nothing. */
  stat(name: string): Stats | undefined {
    let found: Stats | undefined;
    errnoOf(() => (found = lstatSync(this.#walk(name, true))));
    return found;
  }

  /** The real path of `name` with its last component followed, too. */
  target(name: string): string {
    return this.#walk(name, true);
  }

  #walk(name: string, followLast: boolean): string {
    let at = ["root"];
    let left = parts(name);
    let links = 0;
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      if (part === "..") {
        at.pop();
        continue;
      }
      const path = [this.base, ...at, part].join("/");
      if (left.length === 0 && !followLast) return path;
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (!found) throw new Errno("ENOENT");
      if (found.isSymbolicLink()) {
        if (++links > MAX_LINKS) throw new Errno("ELOOP");
        const target = readlinkSync(path);
        if (target.startsWith("/")) at = [];
        left = [...parts(target), ...left];
      } else {
        if (!found.isDirectory() && left.length > 0) throw new Errno("ENOTDIR");
        at.push(part);
      }
    }
    return [this.base, ...at].join("/");
  }
}

function parts(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
