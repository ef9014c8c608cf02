// The files of the journal. `<id>.json` is a task that waits or runs, `finished/<id>.json` one that has ended, and an
// empty `<id>.cancel` somebody's wish. The directory is also how processes speak to each other.
import { renameSync, watch, writeFileSync } from "node:fs";
import { link, mkdir, open, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { syncDirectory } from "../util/atomic-file.ts";
import { isUuid } from "../util/ids.ts";
import { createGroupCommit } from "./group-commit.ts";

export interface TaskFiles {
  /** Durable. False: a task of that id is known, waiting or ended. */
  create(id: string, text: string): Promise<boolean>;
  /** Replaces a waiting or running task's text, durably. */
  save(id: string, text: string): Promise<void>;
  /** The same before it returns, safe against our death but not against the machine's. */
  saveNow(id: string, text: string): void;
  /** Durably ended; from now on `open` leaves it out. */
  finish(id: string, text: string): Promise<void>;
  read(id: string): Promise<string | undefined>;
  /** Ids of tasks that have not ended. */
  open(): Promise<readonly string[]>;
  /** Ids of those that have, with the time of their ending in ms. */
  ended(): Promise<readonly { readonly id: string; readonly atMs: number }[]>;
  /** Forgets an ended task. */
  forget(id: string): Promise<void>;
  /** Moves a file that cannot be read out of the way; resolves to its new place. */
  setAside(id: string): Promise<string>;
  askCancel(id: string): Promise<void>;
  cancels(): Promise<readonly string[]>;
  /** Calls back after changes by anybody, at most a few at once. Returns how to stop it. */
  onChange(changed: () => void): () => void;
}

export function createTaskFiles(directory: string, corrupt: string): TaskFiles {
  const endedDirectory = join(directory, "finished");
  const openPath = (id: string): string => join(directory, `${id}.json`);
  const endedPath = (id: string): string => join(endedDirectory, `${id}.json`);
  const cancelPath = (id: string): string => join(directory, `${id}.cancel`);
  const commitOpen = createGroupCommit(() => syncDirectory(directory));
  const commitEnded = createGroupCommit(() => syncDirectory(endedDirectory));

  /** A synced file beside its place, removed when `place` fails. */
  async function aside<T>(path: string, text: string, place: (from: string) => Promise<T>): Promise<T> {
    const from = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
    await mkdir(endedDirectory, { recursive: true, mode: 0o700 });
    try {
      const file = await open(from, "wx", 0o600);
      try {
        await file.writeFile(text);
        await file.datasync();
      } finally {
        await file.close();
      }
      return await place(from);
    } finally {
      await rm(from, { force: true });
    }
  }

  const isThere = async (path: string): Promise<boolean> => (await readIfThere(path)) !== undefined;

  return {
    async create(id, text) {
      if (await isThere(endedPath(id))) return false;
      const made = await aside(openPath(id), text, async (from) => {
        try {
          await link(from, openPath(id));
          return true;
        } catch (error) {
          if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
          throw error;
        }
      });
      // It may have ended between the two looks; then ours is a second one of it.
      if (made && (await isThere(endedPath(id)))) {
        await rm(openPath(id), { force: true });
        return false;
      }
      await commitOpen();
      return made;
    },
    async save(id, text) {
      await aside(openPath(id), text, (from) => rename(from, openPath(id)));
      await commitOpen();
    },
    saveNow(id, text) {
      const from = `${openPath(id)}.${process.pid}.now.new`;
      writeFileSync(from, text, { mode: 0o600 });
      renameSync(from, openPath(id));
    },
    async finish(id, text) {
      await aside(endedPath(id), text, (from) => rename(from, endedPath(id)));
      await commitEnded();
      await rm(openPath(id), { force: true });
      await rm(cancelPath(id), { force: true });
    },
    read: async (id) => (await readIfThere(endedPath(id))) ?? (await readIfThere(openPath(id))),
    async open() {
      const ended = new Set(await idsIn(endedDirectory, ".json"));
      const ids = await idsIn(directory, ".json");
      // Killed between the two steps of `finish`.
      for (const id of ids) if (ended.has(id)) await rm(openPath(id), { force: true });
      return ids.filter((id) => !ended.has(id));
    },
    async ended() {
      const ids = await idsIn(endedDirectory, ".json");
      const found = await Promise.all(
        ids.map(async (id) => {
          const status = await stat(endedPath(id)).catch(() => undefined);
          return status === undefined ? [] : [{ id, atMs: status.mtimeMs }];
        }),
      );
      return found.flat();
    },
    forget: (id) => rm(endedPath(id), { force: true }),
    async setAside(id) {
      await mkdir(corrupt, { recursive: true, mode: 0o700 });
      const place = join(corrupt, `task-${id}.json`);
      await rename((await isThere(endedPath(id))) ? endedPath(id) : openPath(id), place);
      return place;
    },
    async askCancel(id) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await (await open(cancelPath(id), "w", 0o600)).close();
    },
    cancels: () => idsIn(directory, ".cancel"),
    onChange(changed) {
      try {
        const watcher = watch(directory, { persistent: false }, () => changed());
        watcher.on("error", () => undefined);
        return () => {
          watcher.close();
        };
      } catch {
        // No watches left on this machine: callers look again by themselves, too.
        return () => undefined;
      }
    },
  };
}

async function idsIn(directory: string, suffix: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .filter(isUuid);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
