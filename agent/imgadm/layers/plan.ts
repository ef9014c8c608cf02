// How a layer must be changed so that imgadm's naive unpacking gives the tree the OCI rules ask for (imgadm.md 9.1
// steps 4 and 5). Reads the lower tree, changes nothing.
//
// imgadm unpacks a layer's tar over a clone of the layer below and afterwards deletes, for each `.wh.<name>` it finds,
// `<name>` beside it. So deletions that cannot hit anything of the layer itself ride along as markers; all others go
// into a *removal image* between the two layers.
import { AgentError } from "../../errors/agent-error.ts";
import { hostile } from "./entry.ts";
import type { LowerTree } from "./lower-tree.ts";
import type { AddedEntry, LayerScan } from "./scan.ts";

export interface LayerPlan {
  /** False: the layer may be handed over as it was fetched. */
  readonly rewrite: boolean;
  /** Lower paths to delete, none below another. */
  readonly removals: readonly string[];
  /** True where the deletions must happen before the layer's entries arrive. */
  readonly removalImage: boolean;
  /** Entries whose real place differs from what they say, because a parent is a symlink: by position in the tar. */
  readonly moved: ReadonlyMap<number, { readonly path: string; readonly target: string }>;
}

const MAX_LINKS = 40;
const BATCH = 5_000;

/** Throws LAYER_HOSTILE where the layer contradicts itself or the layers below. `layer` names it in messages. */
export async function planLayer(scan: LayerScan, lower: LowerTree, layer: string): Promise<LayerPlan> {
  const planner = new Planner(scan, lower, layer);
  planner.placeDeletions();
  let done = 0;
  for (const [path, entry] of scan.adds) {
    planner.placeEntry(path, entry);
    if (++done % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  planner.placeSpecials();
  planner.placeHardLinks();
  planner.emptyOpaque();
  return planner.finish();
}

class Planner {
  readonly #scan: LayerScan;
  readonly #lower: LowerTree;
  readonly #layer: string;
  /** Real paths of deletions that hit something below. */
  readonly #remove = new Set<string>();
  readonly #opaque = new Set<string>();
  /** Real path of each entry that stays. */
  readonly #real = new Map<string, AddedEntry>();
  readonly #moved = new Map<number, { path: string; target: string }>();
  /** Lower things of another kind than what replaces them. */
  readonly #conflicts = new Set<string>();

  constructor(scan: LayerScan, lower: LowerTree, layer: string) {
    this.#scan = scan;
    this.#lower = lower;
    this.#layer = layer;
  }

  placeDeletions(): void {
    const whiteouts = [...this.#scan.whiteouts].map((path) => this.#realPath(path, false));
    const opaque = [...this.#scan.opaque].map((path) => (path === "" ? "" : this.#realDirectory(path)));
    for (const path of whiteouts) if (this.#lower.kind(path) !== undefined) this.#remove.add(path);
    for (const path of opaque) if (this.#lower.kind(path) === "directory") this.#opaque.add(path);
  }

  placeEntry(path: string, entry: AddedEntry): void {
    const real = this.#realPath(path, true);
    this.#real.set(real, entry);
    if (real !== path) this.#moved.set(entry.index, { path: real, target: entry.target });
    const below = this.#visible(real);
    const replaces = entry.kind === "directory" ? below === "symlink" : below === "directory";
    if (replaces) this.#conflicts.add(real);
  }

  /** Special files are left out, but what they replace must go. */
  placeSpecials(): void {
    for (const path of this.#scan.specials) {
      const real = this.#realPath(path, true);
      if (this.#visible(real) !== undefined) this.#remove.add(real);
    }
  }

  placeHardLinks(): void {
    for (const [path, entry] of this.#scan.adds) {
      if (entry.kind !== "link") continue;
      const target = this.#realPath(entry.target, false);
      const added = this.#real.get(target);
      const there =
        added === undefined
          ? this.#visible(target) === "other" || this.#visible(target) === "symlink"
          : added.kind !== "directory" && (added.index < entry.index || this.#visible(target) === "other");
      if (!there)
        throw hostile(
          this.#layer,
          `hard link ${JSON.stringify(path)} points to ${JSON.stringify(entry.target)}, which is no file of the image`,
        );
      const real = this.#moved.get(entry.index)?.path ?? path;
      if (real !== path || target !== entry.target) this.#moved.set(entry.index, { path: real, target });
    }
  }

  emptyOpaque(): void {
    for (const path of this.#opaque) this.#emptyDirectory(path);
  }

  finish(): LayerPlan {
    const before = topmost(new Set([...this.#remove, ...this.#conflicts]));
    const clash = this.#conflicts.size > 0 || (this.#remove.size > 0 && this.#addsBelowRemoval());
    for (const path of before) {
      const name = path.slice(path.lastIndexOf("/") + 1);
      if (Buffer.byteLength(name) > 255 - ".wh.".length)
        throw new AgentError(
          "IMAGE_UNSUPPORTED",
          `${this.#layer} deletes ${JSON.stringify(path)}, whose name is too long for a whiteout`,
        );
    }
    return {
      rewrite: this.#scan.needsRewrite || this.#moved.size > 0 || (before.length > 0 && !clash),
      removals: before,
      removalImage: clash,
      moved: this.#moved,
    };
  }

  #addsBelowRemoval(): boolean {
    for (const path of this.#real.keys()) if (hasAncestorIn(path, this.#remove, true)) return true;
    return false;
  }

  #emptyDirectory(path: string): void {
    for (const name of this.#lower.children(path)) {
      const child = path === "" ? name : `${path}/${name}`;
      const added = this.#real.get(child);
      if (added === undefined) this.#remove.add(child);
      else if (added.kind === "directory" && this.#lower.kind(child) === "directory") this.#emptyDirectory(child);
      else if (added.kind === "directory" || this.#lower.kind(child) === "directory") this.#conflicts.add(child);
    }
  }

  /** Kind of what an entry at `path` meets: what this layer deletes by name is already gone. */
  #visible(path: string): ReturnType<LowerTree["kind"]> {
    if (hasAncestorIn(path, this.#remove, true) || (this.#opaque.size > 0 && hasAncestorIn(path, this.#opaque, false)))
      return undefined;
    return this.#lower.kind(path);
  }

  #realPath(path: string, strict: boolean): string {
    const slash = path.lastIndexOf("/");
    if (slash === -1) return path;
    const parent = this.#resolve(path.slice(0, slash), path, strict);
    const name = path.slice(slash + 1);
    return parent === "" ? name : `${parent}/${name}`;
  }

  #realDirectory(path: string): string {
    return this.#resolve(path, path, false);
  }

  /**
   * The real directory behind `directory`, symlinks of this layer and of those below resolved inside the root, as
   * container runtimes do. `strict`: an entry is to be put there, so what is in the way must be a directory or give way.
   */
  #resolve(directory: string, path: string, strict: boolean): string {
    const pending = directory.split("/").reverse();
    let current: string[] = [];
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        current.pop();
        continue;
      }
      const here = [...current, name].join("/");
      const target = this.#linkAt(here, path, strict);
      if (target === undefined) {
        current.push(name);
        continue;
      }
      if (++links > MAX_LINKS) throw hostile(this.#layer, `${JSON.stringify(path)} lies behind a loop of symlinks`);
      if (target.startsWith("/")) current = [];
      pending.push(...target.split("/").reverse());
    }
    return current.join("/");
  }

  /** Target where `here` is a symlink, else undefined. */
  #linkAt(here: string, path: string, strict: boolean): string | undefined {
    const added = this.#scan.adds.get(here);
    if (added !== undefined) {
      if (added.kind === "symlink") return added.target;
      if (added.kind !== "directory" && strict)
        throw hostile(
          this.#layer,
          `entry ${JSON.stringify(path)} lies below ${JSON.stringify(here)}, which is no directory`,
        );
      return undefined;
    }
    const below = this.#visible(here);
    if (below === "symlink") return this.#lower.target(here);
    // A file in the way of a directory nobody spelt out.
    if (below === "other" && strict) this.#conflicts.add(here);
    return undefined;
  }
}

/** The members that lie below no other member, sorted. */
function topmost(paths: ReadonlySet<string>): readonly string[] {
  return [...paths].filter((path) => !hasAncestorIn(path, paths, false)).sort();
}

/** True where a directory above `path`, or with `self` the path itself, is in the set; the root is above everything. */
function hasAncestorIn(path: string, set: ReadonlySet<string>, self: boolean): boolean {
  if (set.size === 0) return false;
  if (self && set.has(path)) return true;
  for (let slash = path.lastIndexOf("/"); slash !== -1; slash = path.lastIndexOf("/", slash - 1))
    if (set.has(path.slice(0, slash))) return true;
  return path !== "" && set.has("");
}
