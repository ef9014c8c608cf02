// Symlinks gtar makes at the very end, and the empty files that hold their places until then (extract.c,
// create_placeholder_file).
import type { BigIntStats } from "node:fs";

export interface Placeholder {
  readonly target: string;
  readonly sources: string[];
  readonly dev: bigint;
  readonly ino: bigint;
  /** With the number of an inode alone, a later file that got it again would pass for the placeholder. */
  readonly mtimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
}

export function isPlaceholder(found: BigIntStats, { dev, ino, mtimeNs }: Placeholder): boolean {
  return found.dev === dev && found.ino === ino && found.mtimeNs === mtimeNs;
}
