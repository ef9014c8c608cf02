// The image store over imgadm's twin: names, records, and what happens when imgadm refuses.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import type { Host } from "../../agent/host/host.ts";
import { hostPaths } from "../../agent/host/paths.ts";
import { createImages } from "../../agent/imgadm/image-store.ts";
import type { Images, PullProgress } from "../../agent/imgadm/images.ts";
import { createMemoryImgadm, type MemoryImgadm } from "../../agent/imgadm/memory.ts";
import { imageManifestSchema, type ImageManifest } from "../../agent/imgadm/schema.ts";
import { createLogger } from "../../agent/log/logger.ts";
import { acquireLock } from "../../agent/util/lock.ts";
import { dockerArchive } from "../support/docker-archive.ts";

const foreign = (changes: object): ImageManifest =>
  imageManifestSchema.parse({
    v: 2,
    uuid: "50c86f0f-e25e-485c-80ca-8cf8e5640ce6",
    name: "almalinux-9",
    version: "20250120",
    type: "lx-dataset",
    os: "linux",
    tags: {},
    ...changes,
  });
const LX = foreign({ tags: { kernel_version: "5.10.0" } });
const DOCKER = foreign({
  uuid: "8a98589a-db8e-bef7-a168-d5450f9da84d",
  name: "docker-layer",
  version: "be8881be8156",
  type: "docker",
  tags: {
    "docker:id": "sha256:be",
    "docker:repo": "redis",
    "docker:tag:3": true,
    "docker:config": { Cmd: ["redis-server"], Env: null },
  },
});

let root: string;
let imgadm: MemoryImgadm;
let images: Images;
let inUse: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "zl-"));
  inUse = [];
  imgadm = createMemoryImgadm({
    images: [LX, DOCKER],
    clonesOf: (image) => (inUse.includes(image) ? [`zones/zone-of-${image}`] : []),
  });
  const paths = hostPaths(root);
  const host: Host = {
    paths,
    run: () => Promise.reject(new Error("no commands here")),
    lines: () => {
      throw new Error("no commands here");
    },
    open: () => {
      throw new Error("no commands here");
    },
    openTerminal: () => Promise.resolve(undefined),
  };
  images = createImages({
    host,
    imgadm,
    log: createLogger({ level: "silent", destination: process.stderr }),
    config: {
      host: { root, binDirs: [], pool: "zones", lab: true },
      registries: { insecure: [], concurrency: 2, hosts: {}, proxy: {} },
      images: { keepBlobs: "loaded" },
      proxies: {},
    },
  });
});

afterEach(() => {
  expect(readdirSync(join(root, "var/tmp/zonelet"), { recursive: true })).toEqual([]);
  rmSync(root, { recursive: true });
});

/** Loads an image of one layer. */
async function load(tags: readonly string[], content = "x", config: object = {}) {
  const file = join(root, "image.tar");
  writeFileSync(file, dockerArchive(tags, [[{ name: "file", content }]], config));
  const [record] = await images.load(file);
  return record!;
}

describe("find", () => {
  it("knows images that others brought, by their names and uuid, with the defaults their tags hold", async () => {
    mkdirSync(join(root, "var/tmp/zonelet"), { recursive: true });
    expect(await images.find("redis:3")).toMatchObject({
      imageUuid: DOCKER.uuid,
      type: "docker",
      configuration: { config: { Cmd: ["redis-server"] } },
    });
    expect(await images.find("docker.io/library/redis:3")).toMatchObject({ imageUuid: DOCKER.uuid });
    for (const name of [LX.uuid, "almalinux-9@20250120", "almalinux-9:20250120"])
      expect(await images.find(name)).toMatchObject({
        imageUuid: LX.uuid,
        type: "lx-dataset",
        kernelVersion: "5.10.0",
      });
    for (const name of [
      "redis",
      "redis:4",
      "quay.io/redis:3",
      "8a98589a-db8e-bef7-a168-000000000000",
      `sha256:${"0".repeat(64)}`,
    ])
      expect(await images.find(name), name).toBeUndefined();
    await expect(images.find("Redis:3")).rejects.toMatchObject({ code: "IMAGE_REFERENCE_INVALID" });
  });

  it("takes a prefix of the digest while it fits one image only, and a name before a prefix", async () => {
    const records = [];
    for (let i = 0; i < 3; i++) records.push(await load([`app:${i}`], `content ${i}`));
    for (const { config } of records)
      expect(await images.find(config.slice(7, 30))).toMatchObject({ record: { config } });
    const named = await load(["abcd"], "named like a prefix");
    expect((await images.find("abcd"))?.record?.config).toBe(named.config);
  });

  it("does not find an image whose dataset somebody removed", async () => {
    const record = await load(["gone:1"]);
    await imgadm.delete(record.imageUuid);
    expect(await images.find("gone:1")).toBeUndefined();
    expect((await images.list()).map(({ reference }) => reference)).not.toContain("docker.io/library/gone:1");
    await load(["gone:1"]);
    expect(await images.find("gone:1")).toBeDefined();
  });
});

it("records are for root's eyes only", async () => {
  const { config } = await load(["secret:1"]);
  expect(statSync(join(root, "var/db/zonelet/images", `${config.slice(7)}.json`)).mode & 0o777).toBe(0o600);
});

it("a layer that vanishes below an install makes it start over", async () => {
  imgadm.failNext("install", new AgentError("IMAGE_ORIGIN_MISSING", "gone"));
  expect((await load(["again:1"])).references).toEqual(["docker.io/library/again:1"]);
});

it("waits for another puller, says so, and takes what that one installed", async () => {
  const { imageUuid } = await load(["busy:1"]);
  const { manifest } = (await imgadm.get(imageUuid))!;
  await imgadm.delete(imageUuid);
  const lock = (await acquireLock(join(root, `var/db/zonelet/locks/image-${imageUuid}.lock`), { timeoutMs: 0 }))!;
  const events: PullProgress[] = [];
  const waiting = Promise.withResolvers<undefined>();
  const loading = images.load(join(root, "image.tar"), {
    onProgress: (event) => {
      events.push(event);
      if (event.type === "waiting") waiting.resolve(undefined);
    },
  });
  await waiting.promise;
  await imgadm.install(imageManifestSchema.parse({ ...manifest, files: undefined }), join(root, "image.tar"));
  const before = imgadm.installs.length;
  lock.release();
  expect(await loading).toMatchObject([{ imageUuid }]);
  expect(imgadm.installs.length).toBe(before);
  expect(events.map(({ type }) => type)).toEqual(["resolved", "waiting", "layer-present"]);
});

it.each<readonly [string, (path: string) => void]>([
  ["others may write to", (path) => chmodSync(path, 0o777)],
  [
    "is a symlink",
    (path) => {
      rmdirSync(path);
      mkdirSync(`${path}-elsewhere`);
      symlinkSync(`${path}-elsewhere`, path);
    },
  ],
])("puts no layer into a directory that %s", async (_, spoil) => {
  const path = join(root, "var/tmp/zonelet");
  mkdirSync(path, { recursive: true });
  spoil(path);
  await expect(load(["spoilt:1"])).rejects.toMatchObject({ code: "HOST_UNSUPPORTED" });
});

it("a failed install leaves no record", async () => {
  imgadm.failNext("install", new AgentError("IMAGE_INSTALL_FAILED", "tar said no"));
  await expect(load(["failed:1"])).rejects.toMatchObject({ code: "IMAGE_INSTALL_FAILED" });
  expect(await images.find("failed:1")).toBeUndefined();
});

it("an aborted load ends with nothing", async () => {
  const file = join(root, "image.tar");
  writeFileSync(file, dockerArchive(["abort:1"], [[{ name: "a" }]]));
  const stop = new AbortController();
  const loading = images.load(file, {
    signal: stop.signal,
    onProgress: ({ type }) => {
      if (type === "resolved") stop.abort();
    },
  });
  await expect(loading).rejects.toSatisfy((error) => error instanceof Error);
  expect(imgadm.installs).toEqual([]);
});

describe("remove", () => {
  it("keeps what a zone is made of, nameless, until it is gone", async () => {
    const record = await load(["used:1", "used:2"]);
    inUse = [record.imageUuid];
    expect(await images.remove("used:1")).toEqual({ untagged: ["docker.io/library/used:1"], deleted: [], kept: true });
    expect(await images.remove("used:2")).toEqual({ untagged: ["docker.io/library/used:2"], deleted: [], kept: true });
    expect(await images.list()).toContainEqual(
      expect.objectContaining({ config: record.config, reference: undefined, ours: true }),
    );
    inUse = [];
    expect(await images.remove(record.config)).toEqual({ untagged: [], deleted: [record.imageUuid], kept: false });
  });

  it("of one of two configurations leaves the layers to the other", async () => {
    const one = await load(["one:1"], "same", { Cmd: ["1"] });
    const two = await load(["two:1"], "same", { Cmd: ["2"] });
    expect(two.imageUuid).toBe(one.imageUuid);
    expect(await images.remove("one:1")).toEqual({ untagged: ["docker.io/library/one:1"], deleted: [], kept: true });
    expect(await images.find(one.config)).toBeUndefined();
    expect(await images.remove("two:1")).toMatchObject({ deleted: [one.imageUuid], kept: false });
  });

  it.each([
    ["almalinux-9@20250120", "IMAGE_NOT_OURS"],
    ["redis:3", "IMAGE_NOT_OURS"],
    ["nothing:1", "IMAGE_NOT_FOUND"],
    ["No:1", "IMAGE_REFERENCE_INVALID"],
  ])("%s: %s", async (name, code) => {
    mkdirSync(join(root, "var/tmp/zonelet"), { recursive: true });
    await expect(images.remove(name)).rejects.toMatchObject({ code });
    expect(await imgadm.list()).toHaveLength(2);
  });
});
