// Layers without any host: what is read from a tar, and what is planned against a tree in memory.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { fetchLayer, type FetchedLayer } from "../../agent/imgadm/layers/fetch-layer.ts";
import type { LowerKind, LowerTree } from "../../agent/imgadm/layers/lower-tree.ts";
import { planLayer } from "../../agent/imgadm/layers/plan.ts";
import { readTar } from "../../agent/imgadm/layers/read-tar.ts";
import { parseEntry } from "../../agent/imgadm/layers/entry.ts";
import { zstdFrames } from "../../agent/imgadm/layers/zstd-frames.ts";
import { encodeHeader } from "../../agent/imgadm/layers/tar-writer.ts";
import type { ContentSource } from "../../agent/imgadm/oci/content-source.ts";
import { digestFromHex } from "../../agent/util/ids.ts";
import { rawTar, type RawEntry } from "../support/tars.ts";

const work = mkdtempSync(join(tmpdir(), "zl-"));
afterAll(() => rmSync(work, { recursive: true }));

let files = 0;
const sha256 = (bytes: Buffer) => digestFromHex(createHash("sha256").update(bytes).digest("hex"));

/** Fetches `blob` as a layer that claims to hold `plain`, in chunks of an awkward size. */
async function fetch(
  plain: Buffer,
  blob = plain,
  claims: { size?: number; digest?: Buffer } = {},
): Promise<FetchedLayer> {
  const source: ContentSource = {
    document: () => Promise.reject(new Error("not asked for")),
    blob: async function* () {
      for (let at = 0; at < blob.length; at += 777) yield await Promise.resolve(blob.subarray(at, at + 777));
    },
  };
  const layer = { digest: sha256(claims.digest ?? blob), size: claims.size ?? blob.length, diffId: sha256(plain) };
  return fetchLayer(source, layer, join(work, `blob-${++files}`), { signal: new AbortController().signal });
}

const scanOf = async (entries: readonly RawEntry[]) => (await fetch(rawTar(entries))).scan;
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "nothing failed",
    (error: unknown) => error,
  );

describe("fetchLayer", () => {
  const tar = rawTar([
    { name: "./a/", type: "5" },
    { name: "a/b", content: "x".repeat(5000) },
  ]);

  it.each([
    ["none", tar],
    ["gzip", gzipSync(tar)],
    ["gzip", Buffer.concat([gzipSync(tar.subarray(0, 1000)), gzipSync(tar.subarray(1000))])],
    ["zstd", zstdCompressSync(tar)],
    ["zstd", Buffer.concat([zstdCompressSync(tar.subarray(0, 1000)), zstdCompressSync(tar.subarray(1000))])],
  ])("tells and undoes %s", async (compression, blob) => {
    const fetched = await fetch(tar, blob);
    expect(fetched.compression).toBe(compression);
    expect(fetched.sha1).toBe(createHash("sha1").update(blob).digest("hex"));
    expect([...fetched.scan.adds.keys()]).toEqual(["a", "a/b"]);
    expect(fetched.scan.needsRewrite).toBe(false);
  });

  const packed = gzipSync(tar);
  const flipped = Buffer.from(packed);
  flipped[flipped.length - 6]! ^= 1;
  it.each([
    ["another digest", () => fetch(tar, packed, { digest: tar }), /damaged: the bytes received hash to/],
    ["a flipped byte", () => fetch(tar, flipped, { digest: packed }), /damaged: the bytes received hash to/],
    [
      "fewer bytes than told",
      () => fetch(tar, packed.subarray(0, 100), { digest: packed, size: packed.length }),
      /truncated: 100 of \d+ bytes/,
    ],
    ["more bytes than told", () => fetch(tar, packed, { size: 50 }), /more than its 50 bytes/],
    ["another content", () => fetch(tar, gzipSync(rawTar([{ name: "c" }]))), /its content hashes to/],
    ["a tar that ends early", () => fetch(tar.subarray(0, 2000)), /does not unpack/],
    ["no tar at all", () => fetch(Buffer.from("no tar ".repeat(200))), /does not unpack/],
    ["a gzip stream that ends early", () => fetch(tar, packed.subarray(0, 60)), /does not unpack/],
  ])("refuses %s", async (_, fetching, message) => {
    expect(await failureOf(fetching())).toMatchObject({
      code: "IMAGE_CORRUPT",
      message: expect.stringMatching(message) as string,
    });
  });

  it.each([
    ["bzip2", "BZh91AY&SY"],
    ["xz", "\xfd7zXZ\0"],
  ])("refuses %s by name", async (name, head) => {
    const failure = await failureOf(fetch(Buffer.from(head.padEnd(600, "x"), "latin1")));
    expect(failure).toMatchObject({ code: "IMAGE_UNSUPPORTED", message: expect.stringContaining(name) as string });
  });

  it("gives up when it is aborted", async () => {
    const stop = new AbortController();
    const source: ContentSource = {
      document: () => Promise.reject(new Error("not asked for")),
      blob: async function* (_, signal) {
        yield tar.subarray(0, 600);
        stop.abort(new Error("enough"));
        await Promise.resolve();
        signal.throwIfAborted();
      },
    };
    const layer = { digest: sha256(tar), size: tar.length, diffId: sha256(tar) };
    await expect(fetchLayer(source, layer, join(work, "aborted"), { signal: stop.signal })).rejects.toThrow("enough");
    expect(existsSync(join(work, "aborted"))).toBe(true);
  });
});

describe("what an earlier try left", () => {
  const tar = rawTar([{ name: "a", content: "x".repeat(3000) }]);
  const layer = { digest: sha256(tar), size: tar.length, diffId: sha256(tar) };

  async function again(kept: Buffer): Promise<{ asked: number[]; result: FetchedLayer; file: string }> {
    const file = join(work, `kept-${++files}`);
    writeFileSync(file, kept);
    const asked: number[] = [];
    const source: ContentSource = {
      document: () => Promise.reject(new Error("not asked for")),
      blob: async function* (_, __, from = 0) {
        asked.push(from);
        yield await Promise.resolve(tar.subarray(from));
      },
    };
    const result = await fetchLayer(source, layer, file, { signal: new AbortController().signal });
    return { asked, result, file };
  }

  it.each<readonly [string, Buffer, readonly number[]]>([
    ["a part is completed", tar.subarray(0, 1111), [1111]],
    ["the whole is asked for no more", tar, []],
    ["a damaged part is fetched anew", Buffer.from("damaged"), [7, 0]],
    ["a damaged whole is fetched anew", Buffer.alloc(tar.length, "x"), [0]],
    ["more than the whole is fetched anew", Buffer.concat([tar, tar]), [0]],
  ])("%s", async (_, kept, asked) => {
    const fetched = await again(kept);
    expect(fetched.asked).toEqual(asked);
    expect(readFileSync(fetched.file).equals(tar)).toBe(true);
    expect([...fetched.result.scan.adds.keys()]).toEqual(["a"]);
  });
});

describe("hostile entries", () => {
  it.each<readonly [string, readonly RawEntry[], RegExp]>([
    ["an absolute name", [{ name: "/etc/passwd" }], /absolute name/],
    ["a parent in the name", [{ name: "a/../../b" }], /".."/],
    ["a parent that stays inside", [{ name: "a/../b" }], /".."/],
    ["a parent in a PAX name", [{ name: "x", pax: { path: "../x" } }], /".."/],
    ["a hard link out of the root", [{ name: "a", type: "1", target: "../../etc/shadow" }], /".."/],
    ["a hard link to the root", [{ name: "a", type: "1", target: "/" }], /points to the root/],
    ["a link without target", [{ name: "a", type: "2" }], /no target/],
    ["a link with content", [{ name: "a", type: "1", target: "b", content: "x" }], /has content/],
    ["a directory with content", [{ name: "a", type: "5", size: 512 }], /has content/],
    ["a name of 5000 bytes", [{ name: "x", pax: { path: "d/".repeat(2500) } }], /longer than 4096 bytes/],
    ["a part of 256 bytes", [{ name: "x", pax: { path: "d".repeat(256) } }], /part longer than 255/],
    ["a root that is a link", [{ name: "./", type: "2", target: "/etc" }], /root/],
    ["a whiteout of the directory itself", [{ name: "a/.wh.." }], /from within/],
    ["a whiteout of the parent", [{ name: "a/.wh..." }], /from within/],
    ["a whiteout of nothing", [{ name: "a/.wh." }], /from within/],
    ["an owner beyond 32 bits", [{ name: "a", pax: { uid: "4294967296" } }], /impossible owner/],
    [
      "endless changes of kind",
      Array.from({ length: 300 }, (_, i) => ({ name: "a", type: i % 2 === 0 ? "5" : "0" })),
      /back more than/,
    ],
  ])("%s", async (_, entries, why) => {
    expect(await failureOf(scanOf(entries))).toMatchObject({
      code: "LAYER_HOSTILE",
      message: expect.stringMatching(why) as string,
    });
  });

  it.each<readonly [string, readonly RawEntry[]]>([
    ["GNU sparse files in PAX form", [{ name: "a", pax: { "GNU.sparse.major": "1", "GNU.sparse.name": "../b" } }]],
    ["old GNU sparse files", [{ name: "a", type: "S" }]],
    ["names that are not UTF-8", [{ name: "x", pax: { path: "caf\ufffd" } }]],
    ["types nobody knows", [{ name: "a", type: "D" }]],
  ])("%s are refused by name", async (_, entries) => {
    expect(await failureOf(scanOf(entries))).toMatchObject({ code: "IMAGE_UNSUPPORTED" });
  });
});

describe("LayerScan", () => {
  it("tells entries, whiteouts and opaque directories apart", async () => {
    const scan = await scanOf([
      { name: "a/", type: "5" },
      { name: "a/.wh.gone" },
      { name: "b/.wh..wh..opq" },
      { name: ".wh.top" },
      { name: ".wh..wh.plnk/", type: "5" },
      { name: ".wh..wh.plnk/12.34" },
      { name: "a/.whatever" },
    ]);
    expect([...scan.adds.keys()]).toEqual(["a", "a/.whatever"]);
    expect([...scan.whiteouts]).toEqual(["a/gone", "top"]);
    expect([...scan.opaque]).toEqual(["b"]);
    expect([...scan.dropped]).toEqual([1, 2, 3, 4, 5]);
  });

  it("lets the last entry win where a name changes its kind", async () => {
    const scan = await scanOf([
      { name: "a/", type: "5" },
      { name: "a/below" },
      { name: "a", type: "2", target: "b" },
      { name: "b", type: "0" },
      { name: "b/", type: "5" },
    ]);
    expect([...scan.adds].map(([path, { kind }]) => [path, kind])).toEqual([
      ["a", "symlink"],
      ["b", "directory"],
    ]);
    expect([...scan.dropped].sort()).toEqual([0, 1, 3]);
  });

  it.each<readonly [string, RawEntry]>([
    ["a time before 1970-01-01 00:00:01", { name: "a", mtime: 0 }],
    ["an extended attribute", { name: "a", pax: { "SCHILY.xattr.security.capability": "x" } }],
    ["a whiteout", { name: ".wh.a" }],
    ["a device", { name: "dev/null", type: "3" }],
    ["a FIFO", { name: "run/pipe", type: "6" }],
  ])("asks for a rewrite because of %s", async (_, entry) => {
    expect((await scanOf([entry])).needsRewrite).toBe(true);
  });

  it("asks for none where all is plain", async () => {
    const scan = await scanOf([
      { name: "a", pax: { mtime: "1500000000.5", uname: "me" } },
      { name: "l", type: "2", target: "/abs/../x" },
    ]);
    expect(scan.needsRewrite).toBe(false);
  });
});

/** A tree as `path` or `path -> target` or `path/`. */
function treeOf(...lines: readonly string[]): LowerTree {
  const kinds = new Map<string, LowerKind>([["", "directory"]]);
  const targets = new Map<string, string>();
  for (const line of lines) {
    const [path = "", target] = line.split(" -> ");
    const plain = path.replace(/\/$/, "");
    const parts = plain.split("/");
    for (let i = 1; i < parts.length; i++) kinds.set(parts.slice(0, i).join("/"), "directory");
    kinds.set(plain, target !== undefined ? "symlink" : path.endsWith("/") ? "directory" : "other");
    if (target !== undefined) targets.set(plain, target);
  }
  return {
    exists: () => true,
    kind: (path) => kinds.get(path),
    target: (path) => targets.get(path) ?? "",
    children: (path) =>
      [...kinds.keys()]
        .filter((key) => key !== "" && key.slice(0, Math.max(0, key.lastIndexOf("/"))) === path)
        .map((key) => key.slice(key.lastIndexOf("/") + 1)),
  };
}

const file = (name: string): RawEntry => ({ name });
const dir = (name: string): RawEntry => ({ name: `${name}/`, type: "5" });
const symlink = (name: string, target: string): RawEntry => ({ name, type: "2", target });
const link = (name: string, target: string): RawEntry => ({ name, type: "1", target });

describe("planLayer", () => {
  const lower = treeOf(
    "etc/passwd",
    "etc/group",
    "d/a/1",
    "d/b",
    "lib -> usr/lib",
    "usr/lib/x",
    "abs -> /usr/../usr",
    "loop -> loop",
  );

  it.each<
    readonly [
      string,
      readonly RawEntry[],
      { removals?: string[]; removalImage?: boolean; moved?: string[]; rewrite?: boolean },
    ]
  >([
    ["additions only", [file("etc/new"), dir("etc")], { rewrite: false }],
    ["a whiteout", [dir("etc"), file("etc/.wh.passwd")], { removals: ["etc/passwd"] }],
    ["whiteouts below one another", [file("d/.wh.a"), file("d/a/.wh.1"), file(".wh.d")], { removals: ["d"] }],
    ["a whiteout of nothing", [file(".wh.nothing")], {}],
    [
      "a whiteout and the name again",
      [file("etc/.wh.passwd"), file("etc/passwd")],
      { removals: ["etc/passwd"], removalImage: true },
    ],
    ["a whiteout and a name below", [file(".wh.d"), file("d/new")], { removals: ["d"], removalImage: true }],
    ["an opaque directory", [file("d/.wh..wh..opq")], { removals: ["d/a", "d/b"] }],
    [
      "an opaque directory partly filled",
      [file("d/.wh..wh..opq"), dir("d/a"), file("d/a/2"), file("d/b")],
      { removals: ["d/a/1"] },
    ],
    [
      "an opaque directory with an unnamed parent",
      [file("d/.wh..wh..opq"), file("d/a/2")],
      { removals: ["d/a", "d/b"], removalImage: true },
    ],
    ["a file over a directory", [file("d")], { removals: ["d"], removalImage: true, rewrite: false }],
    ["a directory over a symlink", [dir("lib")], { removals: ["lib"], removalImage: true, rewrite: false }],
    ["a directory over a file", [dir("etc/passwd")], { rewrite: false }],
    [
      "an unnamed directory over a file",
      [file("etc/passwd/x")],
      { removals: ["etc/passwd"], removalImage: true, rewrite: false },
    ],
    ["a parent that is a symlink", [file("lib/y")], { moved: ["usr/lib/y"] }],
    ["a parent that is an absolute symlink", [file("abs/lib/y")], { moved: ["usr/lib/y"] }],
    ["a whiteout behind a symlink", [file("lib/.wh.x")], { removals: ["usr/lib/x"] }],
    ["a symlink of the layer as parent", [symlink("s", "d"), file("s/new")], { moved: ["d/new"] }],
    ["a symlink that leads above the root", [symlink("s", "../../../d"), file("s/new")], { moved: ["d/new"] }],
    ["a symlink deleted, its name used", [file(".wh.lib"), file("lib/y")], { removals: ["lib"], removalImage: true }],
    ["a hard link to a lower file", [link("h", "etc/passwd")], { rewrite: false }],
    ["a hard link through a symlink", [link("h", "lib/x")], { moved: ["h"] }],
    ["a device over a file", [{ name: "etc/group", type: "3" }], { removals: ["etc/group"] }],
  ])("%s", async (_, entries, wanted) => {
    const plan = await planLayer(await scanOf(entries), lower, "layer x");
    expect({
      removals: plan.removals,
      removalImage: plan.removalImage,
      moved: [...plan.moved.values()].map(({ path }) => path),
      rewrite: plan.rewrite,
    }).toEqual({ removals: [], removalImage: false, moved: [], rewrite: true, ...wanted });
  });

  it.each<readonly [string, readonly RawEntry[]]>([
    ["a name below a file of the same layer", [file("f"), file("f/x")]],
    ["a loop of symlinks", [file("loop/x")]],
    ["a hard link to nothing", [link("h", "nowhere")]],
    ["a hard link to a directory", [link("h", "d")]],
    ["a hard link to what the layer deletes", [file("etc/.wh.passwd"), link("h", "etc/passwd")]],
    ["a hard link to what comes later", [link("h", "later"), file("later")]],
  ])("refuses %s", async (_, entries) => {
    const scan = await scanOf(entries);
    await expect(planLayer(scan, lower, "layer x")).rejects.toMatchObject({ code: "LAYER_HOSTILE" });
  });
});

describe("encodeHeader", () => {
  const entry = { kind: "file", path: "a", target: "", size: 0, mode: 0o644, uid: 0, gid: 0, mtime: 5 } as const;
  it.each([
    [{ ...entry, mode: 0 }],
    [{ ...entry, mode: 0o7777, uid: 2_097_151, gid: 4_294_967_295 }],
    [{ ...entry, mtime: 1_500_000_000.25 }],
    [{ ...entry, mtime: 2 ** 34 }],
    [{ ...entry, path: `${"d".repeat(90)}/${"f".repeat(90)}` }],
    [{ ...entry, path: `${"d".repeat(160)}/${"f".repeat(99)}` }],
    [{ ...entry, path: "f".repeat(255) }],
    [{ ...entry, path: "grüße/日本語" }],
    [{ ...entry, path: "line\nend=x" }],
    [{ ...entry, kind: "directory", path: "d".repeat(100) }],
    [{ ...entry, kind: "symlink", target: "t".repeat(101) }],
    [{ ...entry, kind: "symlink", target: "ü" }],
    [{ ...entry, kind: "link", target: "x/y" }],
  ] as const)("is read back as %j", async (written) => {
    const { entries } = await readTar(
      Readable.from([Buffer.concat([encodeHeader(written), Buffer.alloc(1024)])]),
      "tar",
    );
    const read = [];
    for await (const each of entries) {
      read.push(parseEntry(each.header, "layer"));
      each.resume();
    }
    expect(read).toEqual([{ ...written, unknownRecords: false }]);
  });
});

describe("zstdFrames", () => {
  const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from("abc")]);
  const checked = zstdCompressSync(Buffer.from(`${"x".repeat(300_000)}y`), {
    params: { [constants.ZSTD_c_checksumFlag]: 1 },
  });
  const frames = [
    zstdCompressSync(Buffer.from("hello ")),
    checked,
    zstdCompressSync(Buffer.alloc(0)),
    zstdCompressSync(randomBytes(20_000)),
  ];
  const stream = Buffer.concat([skippable, ...frames.flatMap((frame) => [frame, skippable])]);

  it.each([1, 2, 7, 1000, 1_000_000])("come out whole, however they come in (%i bytes at a time)", async (step) => {
    const chunks = Array.from({ length: Math.ceil(stream.length / step) }, (_, i) =>
      stream.subarray(i * step, (i + 1) * step),
    );
    const out: Uint8Array[] = [];
    for await (const chunk of zstdFrames(Readable.from(chunks))) out.push(chunk);
    expect(Buffer.concat(out).equals(Buffer.concat(frames))).toBe(true);
    const ends = new Set(frames.map((_, i) => frames.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0)));
    let at = 0;
    for (const chunk of out) {
      for (const end of ends)
        expect(at < end && at + chunk.length > end, "a chunk over the end of a frame").toBe(false);
      at += chunk.length;
    }
  });

  it("must be frames", async () => {
    const reading = async () => {
      const bad = Readable.from([Buffer.concat([frames[0]!, Buffer.from("trailing")])]);
      for await (const chunk of zstdFrames(bad)) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(reading()).rejects.toThrow("not a zstd frame");
  });
});
