// Renaming, with everything that can come in between.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { hostPaths, type HostPaths } from "../../agent/host/paths.ts";
import { createLogger } from "../../agent/log/logger.ts";
import type { ContainerName } from "../../agent/util/ids.ts";
import { createMemoryVmadm, type MemoryVmadm } from "../../agent/vmadm/memory.ts";
import { renameContainer } from "../../agent/zones/rename.ts";
import { goesByAnotherName } from "../../agent/zones/settle.ts";
import { createZoneStore, type ZoneStore } from "../../agent/zones/store.ts";
import { aRecord, aVm, UUID } from "../support/builders.ts";

const OTHER = "0b9e1c1a-4f0d-4b5e-9a7a-0c8f5f1d2a22";

let root: string;
let paths: HostPaths;
let store: ZoneStore;
let vmadm: MemoryVmadm;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "zl-"));
  paths = hostPaths(root);
  const destination = new Writable({ write: (_chunk, _encoding, done) => done() });
  store = createZoneStore(paths, createLogger({ level: "silent", destination }));
  mkdirSync(paths.zoneRecords, { recursive: true });
  vmadm = createMemoryVmadm({ images: [] });
  vmadm.put(aVm());
  await store.save(aRecord());
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const rename = (reference: string, name: string) => renameContainer(reference, name, { vmadm, store, paths });
const aliases = async () => (await vmadm.lookup()).map((vm) => vm.alias).toSorted();
const updates = () => vmadm.calls.filter(({ operation }) => operation === "update").length;
const code = (expected: string): unknown => expect.objectContaining({ name: "AgentError", code: expected });

test("alias and record take the new name, the slash is not part of it", async () => {
  expect(await rename("/web", "/front")).toMatchObject({ uuid: UUID, alias: "front" });
  expect(await aliases()).toEqual(["front"]);
  expect(await store.list()).toMatchObject([{ name: "front", renamedFrom: "web" }]);
});

test("the same again does nothing, by the new name and by the old one", async () => {
  await rename("web", "front");
  expect(await rename("web", "front")).toMatchObject({ uuid: UUID });
  expect(await rename("front", "front")).toMatchObject({ uuid: UUID });
  expect(updates()).toBe(1);
});

test("the old name is free for another container, which is then the one that is meant", async () => {
  await rename("web", "front");
  vmadm.put(aVm({ uuid: OTHER, zonename: OTHER }));
  await store.save(aRecord({ uuid: OTHER }));
  await expect(rename("web", "front")).rejects.toEqual(code("CONTAINER_NAME_TAKEN"));
  expect(await rename("web", "back")).toMatchObject({ uuid: OTHER });
});

describe("killed", () => {
  test("before the platform was asked: nothing has changed", async () => {
    vmadm.failNext("update", new AgentError("CANCELLED", "killed"));
    await expect(rename("web", "front")).rejects.toEqual(code("CANCELLED"));
    expect(await aliases()).toEqual(["web"]);
    expect(await store.list()).toMatchObject([{ name: "web" }]);
  });

  test("after the platform's change: the record is known to be out of date, and the same command puts it right", async () => {
    vmadm.failNext("update", new AgentError("CANCELLED", "killed"), { applied: true });
    await expect(rename("web", "front")).rejects.toEqual(code("CANCELLED"));
    const [record] = await store.byName("web" as ContainerName);
    expect(goesByAnotherName(record!, (await vmadm.lookup())[0])).toBe(true);
    expect(await rename("web", "front")).toMatchObject({ uuid: UUID });
    expect(updates()).toBe(1);
    expect(await store.list()).toMatchObject([{ name: "front", renamedFrom: "web" }]);
  });
});

describe("refused", () => {
  test.each(["", "/", "-x", "a b", "ä", "x".repeat(64), "//x", "a/b"])("%j is no name", async (name) => {
    await expect(rename("web", name)).rejects.toEqual(code("USAGE"));
    expect(vmadm.calls).toEqual([]);
  });

  test("a name another zone has, be it nobody's", async () => {
    vmadm.put(aVm({ uuid: OTHER, zonename: OTHER, alias: "front", internal_metadata: {} }));
    await expect(rename("web", "front")).rejects.toEqual(code("CONTAINER_NAME_TAKEN"));
  });

  test("a name under which a container is just being made", async () => {
    await store.save(aRecord({ uuid: OTHER, name: "front", phase: "creating" }));
    await expect(rename("web", "front")).rejects.toEqual(code("CONTAINER_NAME_TAKEN"));
  });

  test("a zone somebody else made", async () => {
    vmadm.put(aVm({ uuid: OTHER, zonename: OTHER, alias: "db", internal_metadata: {} }));
    await expect(rename(OTHER, "front")).rejects.toEqual(code("CONTAINER_FOREIGN"));
    expect(await aliases()).toEqual(["db", "web"]);
  });
});

test("two that cross each other do not wait for each other for ever", async () => {
  vmadm.put(aVm({ uuid: OTHER, zonename: OTHER, alias: "db" }));
  await store.save(aRecord({ uuid: OTHER, name: "db" }));
  const ends = await Promise.allSettled([rename("web", "db"), rename("db", "web")]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await aliases()).toEqual(["db", "web"]);
});

test("of two to one name one wins, and each zone has one name", async () => {
  vmadm.put(aVm({ uuid: OTHER, zonename: OTHER, alias: "db" }));
  await store.save(aRecord({ uuid: OTHER, name: "db" }));
  const ends = await Promise.allSettled([rename("web", "one"), rename("db", "one")]);
  expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect((await aliases()).filter((alias) => alias === "one")).toHaveLength(1);
});
