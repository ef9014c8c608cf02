// GNU tar 1.23 extracting a layer over what is there (imgadm.md 6.2; its extract.c). A newer tar behaves differently at
// exactly the places that matter, so the lab has its own. Files are replaced, never written into: a partial image shares
// its origin's inodes.
import { tool, TOOL_ENVIRONMENT } from "../../runtime/tools.ts";
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  type BigIntStats,
} from "node:fs";
import { execFileSync } from "node:child_process";
import type { Header } from "tar-stream";
import { errnoOf, errnoText, type Chroot } from "./chroot.ts";
import {
  attributesOf,
  copyBody,
  drain,
  isSparse,
  linkTarget,
  tarTime,
  type Attributes,
  type MemberBody,
} from "./member.ts";
import { isPlaceholder, type Placeholder } from "./placeholder.ts";
import { place } from "./placing.ts";
import { isDelayedLink, isKnownKeyword, saferName } from "./member-name.ts";

/** Bytes of output imgadm takes from the wrapper before it kills it (imgadm.md 6.2). */
export const OUTPUT_LIMIT = 2 * 1024 * 1024;

export class OutputLimitExceeded extends Error {}

interface DelayedDirectory extends Attributes {
  readonly dev: number;
  readonly ino: number;
}

const OPEN_EXCLUSIVE = "wx";
const IS_ROOT = process.getuid?.() === 0;

export class GtarExtraction {
  /** What gtar has printed, lines of `gtar: …`. */
  output = "";
  failed = false;
  /** Members that met a directory: the wrapper removes those and tries again. */
  readonly unopenable: string[] = [];
  readonly #chroot: Chroot;
  readonly #startedS = Date.now() / 1000;
  readonly #warned = new Set<string>();
  readonly #directories = new Map<string, DelayedDirectory>();
  readonly #placeholders: Placeholder[] = [];

  constructor(chroot: Chroot) {
    this.#chroot = chroot;
  }

  /** Extracts one member; `body` is read to its end. Raises OutputLimitExceeded. */
  async extract(header: Header, body: MemberBody): Promise<void> {
    for (const keyword of Object.keys(header.pax ?? {}))
      if (!isKnownKeyword(keyword)) this.#say(`Ignoring unknown extended header keyword \`${keyword}'`);
    const name = this.#safe(header.name, "member names");
    const attributes = attributesOf(header);
    if (isSparse(header.type, header.pax)) {
      this.#fail(`${name}: the lab host's gtar reads no sparse files`);
      return drain(body);
    }
    switch (header.type) {
      case "directory":
        this.#directory(name, attributes);
        break;
      case "symlink":
        this.#symlink(name, linkTarget(header.linkname), attributes);
        break;
      case "link":
        this.#hardLink(name, this.#safe(linkTarget(header.linkname), "hard link targets"));
        break;
      case "character-device":
      case "block-device":
        // The preloaded mknod makes an empty file.
        this.#node(name, attributes, "mknod", (path) => closeSync(openSync(path, OPEN_EXCLUSIVE, 0o600)));
        break;
      case "fifo":
        // mkfifo is assumed not to go through the preload (imgadm.md 12).
        this.#node(name, attributes, "mkfifo", makeFifo);
        break;
      default:
        return this.#file(name, attributes, body);
    }
    await drain(body);
  }

  /** Links put off, then the attributes of directories. */
  finish(): void {
    for (const placeholder of this.#placeholders) this.#replacePlaceholder(placeholder);
    for (const [name, directory] of [...this.#directories].reverse()) {
      const now = this.#chroot.stat(name);
      if (!now) this.#fail(`${name}: Cannot stat: ${errnoText("ENOENT")}`);
      else if (now.dev !== directory.dev || now.ino !== directory.ino)
        this.#fail(`${name}: Directory renamed before its status could be extracted`);
      else
        this.#setAttributes(
          name,
          this.#chroot.target(name),
          // An ordinary user must be able to go on working in it.
          IS_ROOT ? directory : { ...directory, mode: directory.mode | 0o700 },
        );
    }
    if (this.failed) this.#say("Exiting with failure status due to previous errors");
  }

  /** An error that ends gtar at once. */
  die(message: string): void {
    this.#fail(message);
    this.#say("Error is not recoverable: exiting now");
  }

  complain(message: string): void {
    this.#fail(message);
  }

  #say(text: string): void {
    this.output += `gtar: ${text}\n`;
    if (this.output.length > OUTPUT_LIMIT) throw new OutputLimitExceeded();
  }

  #fail(text: string): void {
    this.failed = true;
    this.#say(text);
  }

  #safe(raw: string, kind: "member names" | "hard link targets"): string {
    const { name, warning } = saferName(raw, kind);
    if (warning !== undefined && !this.#warned.has(warning)) {
      this.#warned.add(warning);
      this.#say(warning);
    }
    return name;
  }

  async #file(name: string, attributes: Attributes, body: MemberBody): Promise<void> {
    let fd = -1;
    const code = place(this.#chroot, name, (path) => {
      fd = openSync(path, OPEN_EXCLUSIVE, 0o600);
    });
    if (code !== undefined) {
      if (code === "EEXIST") this.unopenable.push(name);
      this.#fail(`${name}: Cannot open: ${errnoText(code)}`);
      return drain(body);
    }
    try {
      await copyBody(body, fd);
    } finally {
      closeSync(fd);
    }
    this.#setAttributes(name, this.#chroot.path(name), attributes);
  }

  #node(name: string, attributes: Attributes, call: string, make: (path: string) => void): void {
    const code = place(this.#chroot, name, make);
    if (code !== undefined) {
      this.#fail(`${name}: Cannot ${call}: ${errnoText(code)}`);
      return;
    }
    this.#setAttributes(name, this.#chroot.path(name), attributes);
  }

  /** A directory, or a link to one that resolves in the chroot, is kept and only gets the new attributes. */
  #directory(name: string, attributes: Attributes): void {
    const code = place(this.#chroot, name, (path) => {
      const failure = errnoOf(() => mkdirSync(path, 0o700));
      if (failure === undefined) return;
      if (failure === "EEXIST" && this.#chroot.stat(name)?.isDirectory() === true) return;
      throw Object.assign(new Error(failure), { code: failure });
    });
    if (code !== undefined) {
      this.#fail(`${name}: Cannot mkdir: ${errnoText(code)}`);
      return;
    }
    const found = this.#chroot.stat(name);
    if (found) this.#directories.set(name, { ...attributes, dev: found.dev, ino: found.ino });
  }

  #symlink(name: string, target: string, attributes: Attributes): void {
    if (isDelayedLink(target)) {
      this.#placeholder(name, target, attributes);
      return;
    }
    const code = place(this.#chroot, name, (path) => {
      symlinkSync(target, path);
    });
    if (code !== undefined) {
      this.#fail(`${name}: Cannot create symlink to \`${target}': ${errnoText(code)}`);
      return;
    }
    if (IS_ROOT) lchownSync(this.#chroot.path(name), attributes.uid, attributes.gid);
  }

  #placeholder(name: string, target: string, { uid, gid }: Attributes): void {
    const code = place(this.#chroot, name, (path) => closeSync(openSync(path, OPEN_EXCLUSIVE, 0)));
    if (code !== undefined) {
      if (code === "EEXIST") this.unopenable.push(name);
      this.#fail(`${name}: Cannot open: ${errnoText(code)}`);
      return;
    }
    const { dev, ino, mtimeNs } = lstatSync(this.#chroot.path(name), { bigint: true });
    this.#placeholders.push({ target, sources: [name], dev, ino, mtimeNs, uid, gid });
  }

  #replacePlaceholder(placeholder: Placeholder): void {
    const { target, uid, gid } = placeholder;
    for (const name of placeholder.sources) {
      let path = "";
      let found: BigIntStats | undefined;
      errnoOf(() => {
        path = this.#chroot.path(name);
        found = lstatSync(path, { bigint: true });
      });
      // Something extracted later took its place.
      if (!found || !isPlaceholder(found, placeholder)) continue;
      const code = errnoOf(() => {
        unlinkSync(path);
        symlinkSync(target, path);
      });
      if (code !== undefined) this.#fail(`${name}: Cannot create symlink to \`${target}': ${errnoText(code)}`);
      else if (IS_ROOT) lchownSync(path, uid, gid);
    }
  }

  #hardLink(name: string, target: string): void {
    const code = place(this.#chroot, name, (path) => {
      const from = this.#chroot.path(target);
      const failure = errnoOf(() => linkSync(from, path));
      if (failure === undefined) return;
      if (failure === "EEXIST" && sameFile(from, path)) return;
      throw Object.assign(new Error(failure), { code: failure });
    });
    if (code !== undefined) {
      this.#fail(`${name}: Cannot hard link to \`${target}': ${errnoText(code)}`);
      return;
    }
    const made = lstatSync(this.#chroot.path(name), { bigint: true });
    this.#placeholders.find((placeholder) => isPlaceholder(made, placeholder))?.sources.push(name);
  }

  /** Owner before mode: changing it clears the set-id bits. */
  #setAttributes(name: string, path: string, { mode, uid, gid, mtime }: Attributes): void {
    const steps: [string, () => void][] = [
      [`change mode to ${mode.toString(8)}`, () => chmodSync(path, mode)],
      ["utime", () => utimesSync(path, mtime, mtime)],
    ];
    if (IS_ROOT) steps.unshift([`change ownership to uid ${uid}, gid ${gid}`, () => chownSync(path, uid, gid)]);
    for (const [what, step] of steps) {
      const code = errnoOf(step);
      if (code !== undefined) this.#fail(`${name}: Cannot ${what}: ${errnoText(code)}`);
    }
    this.#checkTime(name, mtime);
  }

  #checkTime(name: string, mtimeS: number): void {
    if (mtimeS <= 0) this.#say(`${name}: implausibly old time stamp ${tarTime(mtimeS)}`);
    else if (mtimeS > this.#startedS) {
      const ahead = mtimeS - Date.now() / 1000;
      this.#say(`${name}: time stamp ${tarTime(mtimeS)} is ${String(Number(ahead.toFixed(9)))} s in the future`);
    }
  }
}

function sameFile(a: string, b: string): boolean {
  const left = lstatSync(a, { throwIfNoEntry: false });
  const right = lstatSync(b, { throwIfNoEntry: false });
  return left !== undefined && right !== undefined && left.dev === right.dev && left.ino === right.ino;
}

function makeFifo(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found) throw Object.assign(new Error("EEXIST"), { code: "EEXIST" });
  try {
    execFileSync(tool("mkfifo"), ["--", path], { stdio: "ignore", env: TOOL_ENVIRONMENT, timeout: 10_000 });
  } catch {
    throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
  }
}
