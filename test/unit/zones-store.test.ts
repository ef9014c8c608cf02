import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hostPaths, type HostPaths } from "../../agent/host/paths.ts";
import { createLogger } from "../../agent/log/logger.ts";
import { deleteZone } from "../../agent/zones/settle.ts";
import { createZoneStore, type ZoneStore } from "../../agent/zones/store.ts";
import { aRecord } from "../support/builders.ts";

let root: string;
let paths: HostPaths;
let store: ZoneStore;
let logged: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "zl-"));
  paths = hostPaths(root);
  logged = "";
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString();
      done();
    },
  });
  store = createZoneStore(paths, createLogger({ level: "warn", destination }));
  mkdirSync(paths.zoneRecords, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const record = aRecord();

test("a record nobody can read is moved aside, told in one line, and missed by nobody", async () => {
  writeFileSync(paths.zoneRecord(record.uuid), "{torn");
  expect(await store.byName(record.name)).toEqual([]);
  expect(readdirSync(paths.corrupt)).toEqual([`zone-${record.uuid}.json`]);
  expect(logged).toMatch(/"reason":"Expected property name.*moved aside/);
  expect(logged).not.toContain("    at ");
});

test("a record of a newer zonelet stays where it is", async () => {
  writeFileSync(paths.zoneRecord(record.uuid), JSON.stringify({ ...record, version: 2, phase: "paused" }));
  expect(await store.get(record.uuid)).toBeUndefined();
  expect(await store.list()).toEqual([]);
  expect(readdirSync(paths.zoneRecords)).toEqual([`${record.uuid}.json`]);
});

test("while a zone is deleted its record names the child that may still be creating it, then the one that deletes", async () => {
  const seen: unknown[] = [];
  const look = async (): Promise<void> => void seen.push((await store.get(record.uuid))?.child);
  const vmadm = {
    delete: async (_zone: unknown, options?: { readonly onSpawn?: (pid: number) => void }): Promise<void> => {
      await look();
      options?.onSpawn?.(process.pid);
      await look();
    },
  };
  await deleteZone(aRecord({ phase: "created", child: { pid: 4711 } }), { vmadm, store });
  expect(seen).toMatchObject([{ pid: 4711 }, { pid: process.pid }]);
  expect(await store.get(record.uuid)).toBeUndefined();
});
