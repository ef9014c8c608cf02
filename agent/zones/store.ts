import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { inlineChain } from "../errors/chain.ts";
import type { HostPaths } from "../host/paths.ts";
import type { Logger } from "../log/logger.ts";
import { syncDirectory, writeFileAtomic } from "../util/atomic-file.ts";
import { isNewerRecord } from "../util/record-version.ts";
import { isZoneUuid, type ContainerName, type ZoneUuid } from "../util/ids.ts";
import { zoneRecordSchema, type ZoneRecord } from "./record.ts";

export interface ZoneStore {
  get(uuid: ZoneUuid): Promise<ZoneRecord | undefined>;
  list(): Promise<readonly ZoneRecord[]>;
  byName(name: ContainerName): Promise<readonly ZoneRecord[]>;
  /** Durable before it resolves, unless `sync` is false (then it survives our death, not the machine's). */
  save(record: ZoneRecord, options?: { readonly sync?: boolean }): Promise<void>;
  /** Written before it returns, without flushing: for the moment between starting a child and waiting for it. */
  saveNow(record: ZoneRecord): void;
  remove(uuid: ZoneUuid): Promise<void>;
}

/** One file per zone below `/var/db/zonelet/zones`. An unreadable one is moved to `corrupt/` and logged, never fatal; one
 * that a newer zonelet wrote stays for it. */
export function createZoneStore(paths: HostPaths, log: Logger): ZoneStore {
  async function read(file: string): Promise<ZoneRecord | undefined> {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
    try {
      const json: unknown = JSON.parse(text);
      if (isNewerRecord(json, 1)) {
        log.warn({ file }, "zone record of a newer zonelet left alone");
        return undefined;
      }
      return zoneRecordSchema.parse(json);
    } catch (error) {
      await mkdir(paths.corrupt, { recursive: true, mode: 0o700 });
      const aside = join(paths.corrupt, `zone-${basename(file)}`);
      await rename(file, aside);
      log.warn({ file, aside, reason: inlineChain(error) }, "unreadable zone record moved aside");
      return undefined;
    }
  }

  async function list(): Promise<readonly ZoneRecord[]> {
    let names: string[];
    try {
      names = await readdir(paths.zoneRecords);
    } catch {
      return [];
    }
    const uuids = names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
    const records = await Promise.all(uuids.filter(isZoneUuid).map((uuid) => read(paths.zoneRecord(uuid))));
    return records.filter((record) => record !== undefined);
  }

  return {
    get: (uuid) => read(paths.zoneRecord(uuid)),
    list,
    byName: async (name) => (await list()).filter((record) => record.name === name),
    save: (record, options = {}) =>
      writeFileAtomic(paths.zoneRecord(record.uuid), `${JSON.stringify(record, null, 2)}\n`, options),
    saveNow: (record) => {
      const path = paths.zoneRecord(record.uuid);
      const aside = `${path}.${process.pid}.child`;
      writeFileSync(aside, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
      renameSync(aside, path);
    },
    remove: async (uuid) => {
      await rm(paths.zoneHealth(uuid), { force: true });
      await rm(paths.zoneRecord(uuid), { force: true });
      await syncDirectory(paths.zoneRecords);
    },
  };
}
