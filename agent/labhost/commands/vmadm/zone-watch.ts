// Tells when it is worth looking at the zones again. A hint of the file system is only that: a slow clock looks, too,
// because a supervisor may die without writing and a directory may be mounted over.
import { mkdirSync, statSync, watch, type FSWatcher } from "node:fs";
import type { Lab } from "../../lab.ts";
import { listZoneUuids } from "../../zone-store.ts";

const SLOW_LOOK_MS = 500;
/** Hints come in bursts; one look answers them all. */
const SETTLE_MS = 10;

export interface ZoneWatch {
  /** Resolves at the next hint or tick. Hints since the last call count. */
  next(): Promise<void>;
  close(): void;
}

export function watchZones(lab: Lab): ZoneWatch {
  const watchers = new Map<string, { readonly inode: number; readonly watcher: FSWatcher }>();
  let hinted = false;
  let wake: (() => void) | undefined;
  const hint = (): void => {
    hinted = true;
    wake?.();
  };
  const refresh = (): void => refreshWatchers(watchers, directories(lab), hint);
  for (const directory of fixedDirectories(lab)) mkdirSync(directory, { recursive: true });
  refresh();
  return {
    async next() {
      refresh();
      if (!hinted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, SLOW_LOOK_MS);
          wake = (): void => {
            clearTimeout(timer);
            setTimeout(resolve, SETTLE_MS);
            wake = undefined;
          };
        });
        wake = undefined;
      }
      hinted = false;
    },
    close() {
      for (const { watcher } of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

function fixedDirectories(lab: Lab): string[] {
  return [lab.path("/etc/zones"), lab.own("runtime/zones"), lab.own("datasets")];
}

function directories(lab: Lab): string[] {
  const zonepaths = listZoneUuids(lab).map((uuid) => lab.path(`/zones/${uuid}`));
  return [...fixedDirectories(lab), ...zonepaths.flatMap((path) => [path, `${path}/config`])];
}

/** One watcher for each directory that is there, a new one where another file system came over it. */
function refreshWatchers(
  watchers: Map<string, { readonly inode: number; readonly watcher: FSWatcher }>,
  wanted: readonly string[],
  hint: () => void,
): void {
  const inodes = new Map(wanted.flatMap((path) => entry(path)));
  for (const [path, { inode, watcher }] of watchers)
    if (inodes.get(path) !== inode) {
      watcher.close();
      watchers.delete(path);
    }
  for (const [path, inode] of inodes) {
    if (watchers.has(path)) continue;
    try {
      const watcher = watch(path, hint);
      watcher.on("error", hint);
      watchers.set(path, { inode, watcher });
    } catch {
      // Gone in between, or no watches left: the slow look remains.
    }
  }
}

function entry(path: string): [string, number][] {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? [[path, stats.ino]] : [];
}
