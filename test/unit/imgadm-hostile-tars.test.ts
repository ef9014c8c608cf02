// Layers that try to mean one thing to us and another to the platform's tar, and odd ones that real programs write.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync, writeFileSync, mkdirSync, linkSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { fetchLayer } from "../../agent/imgadm/layers/fetch-layer.ts";
import type { LayerScan } from "../../agent/imgadm/layers/scan.ts";
import type { ContentSource } from "../../agent/imgadm/oci/content-source.ts";
import { digestFromHex } from "../../agent/util/ids.ts";
import { rawTar, type RawEntry } from "../support/tars.ts";

const work = mkdtempSync(join(tmpdir(), "zl-"));
afterAll(() => rmSync(work, { recursive: true }));
let files = 0;

const sha256 = (bytes: Buffer) => digestFromHex(createHash("sha256").update(bytes).digest("hex"));

async function scan(plain: Buffer, blob = plain): Promise<LayerScan> {
  const source: ContentSource = {
    document: () => Promise.reject(new Error("not asked for")),
    blob: async function* () {
      for (let at = 0; at < blob.length; at += 100_000) yield await Promise.resolve(blob.subarray(at, at + 100_000));
    },
  };
  const layer = { digest: sha256(blob), size: blob.length, diffId: sha256(plain) };
  const file = join(work, `blob-${++files}`);
  return (await fetchLayer(source, layer, file, { signal: new AbortController().signal })).scan;
}

/** Header blocks and contents without an end mark. */
const part = (...entries: RawEntry[]): Buffer => rawTar(entries).subarray(0, -1024);
const END = Buffer.alloc(1024);

/** A header with some bytes exchanged and a right sum. */
function patched(entry: RawEntry, at: number, bytes: Buffer): Buffer {
  const tar = Buffer.from(part(entry));
  bytes.copy(tar, at);
  tar.write("        ", 148, "latin1");
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return tar;
}

const record = (key: string, value: string): string => {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  return `${rest + String(rest + String(rest).length).length} ${key}=${value}\n`;
};
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as unknown;

describe("refused", () => {
  it.each<readonly [string, Buffer, string, RegExp]>([
    [
      "an entry behind the end mark",
      Buffer.concat([part({ name: "a" }), END, part({ name: "b" }), END]),
      "LAYER_HOSTILE",
      /follows the end/,
    ],
    [
      "an entry behind one zero block",
      Buffer.concat([part({ name: "a" }), Buffer.alloc(512), part({ name: "b" }), END]),
      "LAYER_HOSTILE",
      /follows the end/,
    ],
    [
      "GNU's and PAX's long name at once",
      Buffer.concat([
        part({ name: "././@LongLink", type: "L", content: "one\0" }, { name: "x", pax: { path: "two" } }),
        END,
      ]),
      "LAYER_HOSTILE",
      /two long names/,
    ],
    [
      "two PAX headers",
      Buffer.concat([
        part({ name: "P", type: "x", content: record("path", "one") }, { name: "x", pax: { path: "two" } }),
        END,
      ]),
      "LAYER_HOSTILE",
      /two extended headers/,
    ],
    [
      "a record given twice",
      Buffer.concat([
        part({ name: "P", type: "x", content: record("path", "one") + record("path", "two") }, { name: "x" }),
        END,
      ]),
      "LAYER_HOSTILE",
      /"path" twice/,
    ],
    [
      "a record with a wrong length",
      Buffer.concat([part({ name: "P", type: "x", content: "99 path=one\n" }, { name: "x" }), END]),
      "LAYER_HOSTILE",
      /malformed/,
    ],
    [
      "a record without a length",
      Buffer.concat([part({ name: "P", type: "x", content: "path=one\n" }, { name: "x" }), END]),
      "LAYER_HOSTILE",
      /malformed/,
    ],
    ["an empty PAX name", rawTar([{ name: "x", pax: { path: "" } }]), "LAYER_HOSTILE", /empty "path"/],
    ["a PAX size that is none", rawTar([{ name: "x", pax: { size: "12abc" } }]), "LAYER_HOSTILE", /impossible size/],
    [
      "a PAX size that hides entries",
      Buffer.concat([part({ name: "x", pax: { size: "2048" } }, { name: "hidden" }), END]),
      "IMAGE_CORRUPT",
      /does not unpack/,
    ],
    ["a PAX time that is none", rawTar([{ name: "x", pax: { mtime: "0x10" } }]), "LAYER_HOSTILE", /impossible time/],
    [
      "a global header that names things",
      Buffer.concat([part({ name: "g", type: "g", content: record("path", "/etc/passwd") }, { name: "x" }), END]),
      "IMAGE_UNSUPPORTED",
      /global header sets "path"/,
    ],
    [
      "a global size",
      Buffer.concat([part({ name: "g", type: "g", content: record("size", "512") }, { name: "x" }), END]),
      "IMAGE_UNSUPPORTED",
      /global header sets "size"/,
    ],
    [
      "a size with letters",
      Buffer.concat([patched({ name: "x" }, 124, Buffer.from("0000000012z\0")), END]),
      "LAYER_HOSTILE",
      /size of an entry is no number/,
    ],
    [
      "a size in base 64",
      Buffer.concat([patched({ name: "x" }, 124, Buffer.from("+00000000AB\0")), END]),
      "LAYER_HOSTILE",
      /no number/,
    ],
    [
      "a negative size",
      Buffer.concat([patched({ name: "x" }, 124, Buffer.alloc(12, 0xff)), END]),
      "LAYER_HOSTILE",
      /no number/,
    ],
    [
      "a size beyond all disks",
      Buffer.concat([patched({ name: "x" }, 124, Buffer.concat([Buffer.of(0x80), Buffer.alloc(11, 0xff)])), END]),
      "LAYER_HOSTILE",
      /impossible size/,
    ],
    [
      "an owner that is no number",
      Buffer.concat([patched({ name: "x" }, 108, Buffer.from("root\0\0\0\0")), END]),
      "LAYER_HOSTILE",
      /owner of an entry is no number/,
    ],
    [
      "a file with content that ends in a slash",
      rawTar([{ name: "x/", content: "y" }]),
      "LAYER_HOSTILE",
      /has content/,
    ],
    [
      "a size that lies: too long",
      rawTar([{ name: "x", size: 1_000_000, content: "y" }]),
      "IMAGE_CORRUPT",
      /does not unpack/,
    ],
    [
      "a size that lies: too short",
      rawTar([{ name: "x", size: 0, content: "y".repeat(600) }]),
      "IMAGE_CORRUPT",
      /does not unpack/,
    ],
    [
      "a name that is not UTF-8",
      Buffer.concat([patched({ name: "xxxx" }, 0, Buffer.of(0x63, 0xe9, 0x66, 0xff)), END]),
      "IMAGE_UNSUPPORTED",
      /not UTF-8/,
    ],
    [
      "a link to what is not UTF-8",
      Buffer.concat([patched({ name: "l", type: "2", target: "xx" }, 157, Buffer.of(0xe9, 0xff)), END]),
      "IMAGE_UNSUPPORTED",
      /not UTF-8/,
    ],
    [
      "a prefix that leads out",
      Buffer.concat([patched({ name: "passwd" }, 345, Buffer.from("../etc")), END]),
      "LAYER_HOSTILE",
      /".."/,
    ],
    [
      "an absolute prefix",
      Buffer.concat([patched({ name: "passwd" }, 345, Buffer.from("/etc")), END]),
      "LAYER_HOSTILE",
      /absolute name/,
    ],
    [
      "a GNU long name that leads out",
      rawTar([{ name: "././@LongLink", type: "L", content: "../../x\0" }, { name: "x" }]),
      "LAYER_HOSTILE",
      /".."/,
    ],
    [
      "a GNU long name beyond 4096",
      rawTar([{ name: "././@LongLink", type: "L", content: `${"d/".repeat(3000)}\0` }, { name: "x" }]),
      "LAYER_HOSTILE",
      /longer than 4096/,
    ],
    [
      "a GNU long hard link that leads out",
      rawTar([
        { name: "././@LongLink", type: "K", content: "../../etc/shadow\0" },
        { name: "x", type: "1", target: "y" },
      ]),
      "LAYER_HOSTILE",
      /".."/,
    ],
    [
      "an old list of names",
      rawTar([{ name: "n", type: "N", content: "Rename a to b\n" }]),
      "IMAGE_UNSUPPORTED",
      /old tars/,
    ],
    ["a volume of several", rawTar([{ name: "m", type: "M" }]), "IMAGE_UNSUPPORTED", /old tars/],
    [
      "an endless extended header",
      Buffer.concat([patched({ name: "P", type: "x" }, 124, Buffer.from("00030000000\0")), END]),
      "LAYER_HOSTILE",
      /larger than 4 MiB/,
    ],
  ])("%s", async (_, tar, code, message) => {
    await expect(scan(tar)).rejects.toEqual(refused(code, message));
  });

  it.each(["0.0", "0.1", "1.0"])("sparse files of GNU's PAX dialect %s", async (version) => {
    const file = join(work, "sparse");
    writeFileSync(file, "begin");
    truncateSync(file, 5_000_000);
    const tar = execFileSync("tar", [
      "--format=pax",
      "--sparse",
      `--sparse-version=${version}`,
      "-C",
      work,
      "-cf",
      "-",
      "sparse",
    ]);
    await expect(scan(tar)).rejects.toEqual(refused("IMAGE_UNSUPPORTED", /sparse/));
  });

  it("sparse files of GNU's own format", async () => {
    const file = join(work, "sparse");
    writeFileSync(file, "begin");
    truncateSync(file, 5_000_000);
    const tar = execFileSync("tar", ["--format=gnu", "--sparse", "-C", work, "-cf", "-", "sparse"]);
    await expect(scan(tar)).rejects.toEqual(refused("IMAGE_UNSUPPORTED", /does not know/));
  });
});

describe("taken, and meant as the platform's tar means it", () => {
  it.each<readonly [string, Buffer, readonly string[]]>([
    [
      "a global header with a comment, as git writes",
      rawTar([{ name: "g", type: "g", content: record("comment", "abc") }, { name: "a" }]),
      ["a"],
    ],
    ["a directory of the oldest kind", rawTar([{ name: "d/", type: "0" }, { name: "d/f" }]), ["d", "d/f"]],
    ["a prefix", Buffer.concat([patched({ name: "name" }, 345, Buffer.from("some/where")), END]), ["some/where/name"]],
    [
      "a size in base 256",
      Buffer.concat([patched({ name: "a", content: "x" }, 124, Buffer.from("800000000000000000000001", "hex")), END]),
      ["a"],
    ],
    ["numbers with blanks", Buffer.concat([patched({ name: "a" }, 100, Buffer.from("   644 \0")), END]), ["a"]],
    [
      "a GNU long name",
      rawTar([{ name: "././@LongLink", type: "L", content: `${"n".repeat(200)}\0` }, { name: "short" }]),
      ["n".repeat(200)],
    ],
    [
      "the same name three times",
      rawTar([
        { name: "a", content: "1" },
        { name: "a", content: "2" },
        { name: "a", content: "3" },
      ]),
      ["a"],
    ],
    ["no end mark at all", part({ name: "a" }), ["a"]],
  ])("%s", async (_, tar, names) => {
    expect([...(await scan(tar)).adds.keys()]).toEqual(names);
  });

  it("times before 1970, in base 256 and in PAX, are raised by a rewrite", async () => {
    const old = Buffer.alloc(12, 0xff);
    expect((await scan(Buffer.concat([patched({ name: "a" }, 136, old), END]))).needsRewrite).toBe(true);
    expect((await scan(rawTar([{ name: "a", pax: { mtime: "-86400.5" } }]))).needsRewrite).toBe(true);
  });

  it("device nodes and FIFOs are left out", async () => {
    const found = await scan(
      rawTar([
        { name: "dev/null", type: "3" },
        { name: "dev/sda", type: "4" },
        { name: "pipe", type: "6" },
      ]),
    );
    expect([...found.adds.keys()]).toEqual([]);
    expect([...found.specials]).toEqual(["dev/null", "dev/sda", "pipe"]);
    expect(found.needsRewrite).toBe(true);
  });

  it.each(["gnu", "pax", "ustar", "v7"])("what GNU tar itself writes as %s", async (format) => {
    const tree = join(work, `tree-${format}`);
    mkdirSync(join(tree, "d"), { recursive: true });
    writeFileSync(join(tree, "d/file"), "x");
    linkSync(join(tree, "d/file"), join(tree, "hard"));
    utimesSync(join(tree, "d/file"), 1_500_000_000, 1_500_000_000);
    const tar = execFileSync("tar", [`--format=${format}`, "--sort=name", "-C", tree, "-cf", "-", "."]);
    const found = await scan(tar);
    expect([...found.adds].map(([path, { kind }]) => `${kind} ${path}`)).toEqual([
      "directory d",
      "file d/file",
      "link hard",
    ]);
  });
});
