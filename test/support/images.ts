// Images made by umoci from directories the tests fill, and the tree umoci itself unpacks from them to compare with.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  linkSync,
  lutimesSync,
  lchownSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const DEFAULT_TIME = 1_500_000_000;

/** Fills the directory of one layer. Paths are relative; parents are made. */
export class LayerDirectory {
  readonly #root: string;
  readonly #times = new Map<string, number>();

  constructor(root: string) {
    this.#root = root;
    mkdirSync(root, { recursive: true });
  }

  file(
    path: string,
    content = path,
    options: { mode?: number; mtime?: number; uid?: number; gid?: number } = {},
  ): this {
    const full = this.#place(path);
    writeFileSync(full, content);
    lchownSync(full, options.uid ?? 0, options.gid ?? 0);
    chmodSync(full, options.mode ?? 0o644);
    this.#times.set(full, options.mtime ?? DEFAULT_TIME);
    return this;
  }

  directory(path: string, options: { mode?: number; uid?: number; gid?: number } = {}): this {
    const full = this.#place(path);
    mkdirSync(full, { recursive: true });
    lchownSync(full, options.uid ?? 0, options.gid ?? 0);
    chmodSync(full, options.mode ?? 0o755);
    return this;
  }

  symlink(path: string, target: string): this {
    symlinkSync(target, this.#place(path));
    return this;
  }

  hardLink(path: string, target: string): this {
    linkSync(join(this.#root, target), this.#place(path));
    return this;
  }

  whiteout(path: string): this {
    const slash = path.lastIndexOf("/") + 1;
    return this.file(`${path.slice(0, slash)}.wh.${path.slice(slash)}`, "");
  }

  opaque(path: string): this {
    return this.file(join(path, ".wh..wh..opq"), "");
  }

  /** Packs everything into `tar`, with GNU tar and the members' own names only: no entries for directories nobody asked for. */
  async pack(tar: string, format: "gnu" | "pax" = "gnu"): Promise<void> {
    // The same recipe makes the same layer, whenever it is run.
    this.#setTime(this.#root);
    await run("tar", [`--format=${format}`, "--sort=name", "--numeric-owner", "-C", this.#root, "-cf", tar, "."]);
  }

  /** Own steps instead of a recursive readdir: that one follows symlinks, out of the layer into this machine. */
  #setTime(path: string): void {
    if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) this.#setTime(join(path, name));
    const seconds = this.#times.get(path) ?? DEFAULT_TIME;
    lutimesSync(path, seconds, seconds);
  }

  #place(path: string): string {
    const full = join(this.#root, path);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  }
}

export type LayerRecipe = ((layer: LayerDirectory) => unknown) | { readonly tar: Buffer };

/** An OCI layout directory made by umoci; one image per tag. */
export class TestLayout {
  readonly directory: string;
  readonly #work: string;
  #count = 0;

  private constructor(work: string) {
    this.#work = work;
    this.directory = join(work, "layout");
  }

  static async create(work: string): Promise<TestLayout> {
    mkdirSync(work, { recursive: true });
    const layout = new TestLayout(work);
    await run("umoci", ["init", "--layout", layout.directory]);
    return layout;
  }

  /** Adds an image with one layer per recipe; `from` takes the layers of another tag first. */
  async image(
    tag: string,
    recipes: readonly LayerRecipe[],
    options: { readonly from?: string; readonly config?: readonly string[]; readonly format?: "gnu" | "pax" } = {},
  ): Promise<void> {
    const image = `${this.directory}:${tag}`;
    if (options.from === undefined) await run("umoci", ["new", "--image", image]);
    else await run("umoci", ["tag", "--image", `${this.directory}:${options.from}`, tag]);
    for (const recipe of recipes) {
      const tar = join(this.#work, `layer-${++this.#count}.tar`);
      if ("tar" in recipe) writeFileSync(tar, recipe.tar);
      else {
        const layer = new LayerDirectory(join(this.#work, `layer-${this.#count}`));
        recipe(layer);
        await layer.pack(tar, options.format);
      }
      await run("umoci", ["raw", "add-layer", "--image", image, tar]);
    }
    if (options.config) await run("umoci", ["config", "--image", image, ...options.config]);
  }

  /** An image of layers that lie in tars already. */
  async fromTars(tag: string, tars: readonly string[]): Promise<void> {
    const image = `${this.directory}:${tag}`;
    await run("umoci", ["new", "--image", image]);
    for (const tar of tars) await run("umoci", ["raw", "add-layer", "--image", image, tar]);
  }

  /** The tree umoci makes of the image. */
  async unpack(tag: string): Promise<string> {
    const bundle = join(this.#work, `bundle-${++this.#count}`);
    await run("umoci", ["unpack", "--image", `${this.directory}:${tag}`, bundle]);
    return join(bundle, "rootfs");
  }

  /** Digests of manifest, configuration and layers. */
  describe(tag: string): { readonly manifest: string; readonly config: string; readonly layers: readonly string[] } {
    const index = this.#json("index.json") as { manifests: { digest: string; annotations?: Record<string, string> }[] };
    const entry = index.manifests.find((each) => each.annotations?.["org.opencontainers.image.ref.name"] === tag);
    if (!entry) throw new Error(`no tag ${tag}`);
    const manifest = this.#json(`blobs/sha256/${entry.digest.slice(7)}`) as {
      config: { digest: string };
      layers: { digest: string }[];
    };
    return {
      manifest: entry.digest,
      config: manifest.config.digest,
      layers: manifest.layers.map(({ digest }) => digest),
    };
  }

  #json(path: string): unknown {
    return JSON.parse(readFileSync(join(this.directory, path), "utf8"));
  }
}

export interface TreeEntry {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  /** Digest of a file's content, target of a symlink. */
  readonly content?: string;
  /** First name, in order, of the same inode. */
  readonly linkedTo?: string;
  readonly mtime?: number;
}

/** What a tree looks like: everything a container can see of it, except times of directories and links. */
export function describeTree(root: string): Record<string, TreeEntry> {
  const entries: Record<string, TreeEntry> = {};
  const inodes = new Map<string, string>();
  const visit = (path: string): void => {
    const full = join(root, path);
    const stat = lstatSync(full);
    const common = { mode: (stat.mode & 0o7777).toString(8), owner: `${stat.uid}:${stat.gid}` };
    if (stat.isDirectory()) {
      entries[path] = { type: "directory", ...common };
      for (const name of readdirSync(full).sort()) visit(join(path, name));
    } else if (stat.isSymbolicLink()) {
      entries[path] = { type: "symlink", owner: common.owner, mode: "", content: readlinkSync(full) };
    } else if (stat.isFile()) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = inodes.get(key);
      inodes.set(key, first ?? path);
      entries[path] = {
        type: "file",
        ...common,
        content: createHash("sha256").update(readFileSync(full)).digest("hex"),
        ...(first === undefined ? {} : { linkedTo: first }),
        // imgadm's tar would complain about times before 1970-01-01 00:00:01; they are raised to it (imgadm.md 9.1).
        mtime: Math.max(1, Math.floor(stat.mtimeMs / 1000)),
      };
    } else entries[path] = { type: "special", ...common };
  };
  visit(".");
  return entries;
}
