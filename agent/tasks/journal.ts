// Tasks as records: what is on disk, read strictly, and who may be forgotten.
import { AgentError } from "../errors/agent-error.ts";
import { inlineChain } from "../errors/chain.ts";
import type { Logger } from "../log/logger.ts";
import { isNewerRecord } from "../util/record-version.ts";
import { RECORD_VERSION, taskRecordSchema, type TaskRecord } from "./record.ts";
import type { TaskFiles } from "./task-files.ts";

export interface Journal {
  readonly files: TaskFiles;
  create(record: TaskRecord): Promise<boolean>;
  save(record: TaskRecord): Promise<void>;
  saveNow(record: TaskRecord): void;
  finish(record: TaskRecord): Promise<void>;
  /** undefined: not known, or unreadable (moved aside, logged). Raises JOURNAL_NEWER. */
  read(id: string): Promise<TaskRecord | undefined>;
  /** Tasks that have not ended, in the order of their acceptance. Raises JOURNAL_NEWER before anything is touched. */
  open(): Promise<readonly TaskRecord[]>;
  ended(limit: number): Promise<readonly TaskRecord[]>;
  /** Forgets ended tasks beyond `keep` or older than `maxAgeMs`. */
  prune(nowMs: number, limits?: { readonly keep: number; readonly maxAgeMs: number }): Promise<number>;
}

/** A head node repeats a request within minutes; people ask about last week (amqp-head-node.md 19.4, "idempotency"). */
const RETENTION = { keep: 10_000, maxAgeMs: 7 * 24 * 3_600_000 };

export function createJournal(files: TaskFiles, log: Logger): Journal {
  const text = (record: TaskRecord): string => `${JSON.stringify(record)}\n`;

  async function read(id: string): Promise<TaskRecord | undefined> {
    const found = await files.read(id);
    if (found === undefined) return undefined;
    try {
      const json: unknown = JSON.parse(found);
      if (isNewerRecord(json, RECORD_VERSION))
        throw new AgentError("JOURNAL_NEWER", `task ${id} was written by a newer zonelet`, {
          hint: "install that version again, or let it finish its tasks first; nothing was touched",
        });
      return taskRecordSchema.parse(json);
    } catch (error) {
      if (error instanceof AgentError) throw error;
      const aside = await files.setAside(id);
      log.error({ task: id, aside, reason: inlineChain(error) }, "unreadable task moved aside");
      return undefined;
    }
  }

  async function readAll(ids: readonly string[]): Promise<TaskRecord[]> {
    const records = await Promise.all(ids.map(read));
    return records.filter((record) => record !== undefined);
  }

  return {
    files,
    read,
    create: (record) => files.create(record.taskId, text(record)),
    save: (record) => files.save(record.taskId, text(record)),
    saveNow: (record) => files.saveNow(record.taskId, text(record)),
    finish: (record) => files.finish(record.taskId, text(record)),
    open: async () => (await readAll(await files.open())).toSorted((a, b) => a.order - b.order),
    ended: async (limit) => {
      const newest = (await files.ended()).toSorted((a, b) => b.atMs - a.atMs).slice(0, limit);
      return readAll(newest.map(({ id }) => id));
    },
    prune: async (nowMs, { keep, maxAgeMs } = RETENTION) => {
      const ended = (await files.ended()).toSorted((a, b) => b.atMs - a.atMs);
      const old = ended.filter(({ atMs }, i) => i >= keep || nowMs - atMs > maxAgeMs);
      for (const { id } of old) await files.forget(id);
      return old.length;
    },
  };
}
