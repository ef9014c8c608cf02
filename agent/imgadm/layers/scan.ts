// What a layer does, told from its tar headers alone: names it adds, names it deletes, directories it empties.
import { AgentError } from "../../errors/agent-error.ts";
import { LIMITS } from "../limits.ts";
import { hostile, type EntryKind, type LayerEntry } from "./entry.ts";

export interface AddedEntry {
  readonly kind: EntryKind;
  /** Position of the entry in the tar, from 0. */
  readonly index: number;
  readonly target: string;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** More changes of kind under one name than any builder writes; each costs a walk over what was read so far. */
const MAX_SUPERSEDED = 100;

const MAX_FUTURE_TIMES = 5_000;

/** Collects entries in the order of the tar. Pure: it knows nothing of the layers below. */
export class LayerScan {
  readonly #layer: string;
  readonly #adds = new Map<string, AddedEntry>();
  readonly #whiteouts = new Set<string>();
  readonly #opaque = new Set<string>();
  readonly #dropped = new Set<number>();
  readonly #specials = new Set<string>();
  #count = 0;
  #superseded = 0;
  #oldTimes = false;
  #futureTimes = 0;
  #unknownRecords = false;
  readonly #now: number;

  constructor(layer: string, now = Date.now() / 1000) {
    this.#layer = layer;
    this.#now = now;
  }

  /** What remains when all entries are read: path to its last entry. Whiteouts and special files are not among them. */
  get adds(): ReadonlyMap<string, AddedEntry> {
    return this.#adds;
  }
  /** Paths the layer deletes from the layers below. */
  get whiteouts(): ReadonlySet<string> {
    return this.#whiteouts;
  }
  /** Directories whose lower content vanishes. */
  get opaque(): ReadonlySet<string> {
    return this.#opaque;
  }
  /** Positions of entries that are not passed on: whiteouts, special files, and what a later entry replaced by another kind. */
  get dropped(): ReadonlySet<number> {
    return this.#dropped;
  }
  /** Devices and FIFOs: an LX zone has its own /dev, and the platform's tar makes plain files of them (imgadm.md 6.2). */
  get specials(): ReadonlySet<string> {
    return this.#specials;
  }
  get count(): number {
    return this.#count;
  }
  /**
   * Latest time, in seconds, an entry may carry when the layer is rewritten. A time ahead of our clock is kept, unless
   * there are so many that the platform's tar would fail over its own warnings (2 MiB of them, imgadm.md 6.2).
   */
  get latestTime(): number {
    return this.#futureTimes > MAX_FUTURE_TIMES ? this.#now : Infinity;
  }
  /** True where the platform's tar would complain about, or get wrong, something in the tar itself. */
  get needsRewrite(): boolean {
    return (
      this.#dropped.size > 0 ||
      this.#oldTimes ||
      this.#unknownRecords ||
      this.#count === 0 ||
      this.latestTime !== Infinity
    );
  }

  /** Takes the next entry. Throws LAYER_HOSTILE. */
  add(entry: LayerEntry): void {
    const index = this.#count++;
    if (index >= LIMITS.entriesPerLayer)
      throw hostile(this.#layer, `it has more than ${LIMITS.entriesPerLayer} entries`);
    if (entry.mtime < 1) this.#oldTimes = true;
    if (entry.mtime > this.#now) this.#futureTimes++;
    this.#unknownRecords ||= entry.unknownRecords;
    if (this.#takeWhiteout(entry.path)) {
      this.#dropped.add(index);
      return;
    }
    const { kind, path, target } = entry;
    if (path === "") {
      if (kind !== "directory") throw hostile(this.#layer, "its root is not a directory");
      return;
    }
    this.#supersede(path, kind);
    if (kind === "device" || kind === "fifo") {
      this.#adds.delete(path);
      this.#specials.add(path);
      this.#dropped.add(index);
      return;
    }
    this.#specials.delete(path);
    this.#adds.set(path, { kind, index, target });
  }

  /** True for `.wh.` names of any kind; aufs's own files (`.wh..wh.plnk` …) mean nothing and are taken out as well. */
  #takeWhiteout(path: string): boolean {
    if (!path.includes(WHITEOUT)) return false;
    const components = path.split("/");
    const at = components.findIndex((component) => component.startsWith(WHITEOUT));
    if (at === -1) return false;
    const name = components[at] ?? "";
    const directory = components.slice(0, at).join("/");
    if (at < components.length - 1 || (name.startsWith(`${WHITEOUT}${WHITEOUT}`) && name !== OPAQUE)) return true;
    if (name === OPAQUE) {
      this.#opaque.add(directory);
      return true;
    }
    const victim = name.slice(WHITEOUT.length);
    if (victim === "" || victim === "." || victim === "..")
      throw hostile(this.#layer, `${JSON.stringify(path)} would delete a directory from within`);
    this.#whiteouts.add(directory === "" ? victim : `${directory}/${victim}`);
    return true;
  }

  /** A name that changes between directory and something else: the earlier entry goes, with all below it. */
  #supersede(path: string, kind: EntryKind): void {
    const earlier = this.#adds.get(path);
    if (earlier === undefined || (earlier.kind === "directory") === (kind === "directory")) return;
    if (++this.#superseded > MAX_SUPERSEDED)
      throw hostile(this.#layer, `it turns files into directories and back more than ${MAX_SUPERSEDED} times`);
    this.#dropped.add(earlier.index);
    if (earlier.kind !== "directory") return;
    for (const [below, { index }] of this.#adds) {
      if (!below.startsWith(`${path}/`)) continue;
      this.#dropped.add(index);
      this.#adds.delete(below);
    }
  }
}

/** For the log: nothing to complain about, yet worth knowing. */
export function specialsNote(scan: LayerScan): string | undefined {
  if (scan.specials.size === 0) return undefined;
  const [first] = scan.specials;
  const more = scan.specials.size === 1 ? "" : ` and ${scan.specials.size - 1} more`;
  return `${first ?? ""}${more}`;
}

/** Raised when the tar itself cannot be read. */
export function unreadableTar(layer: string, cause: unknown): AgentError {
  return new AgentError("IMAGE_CORRUPT", `${layer}: its content does not unpack`, { cause });
}
