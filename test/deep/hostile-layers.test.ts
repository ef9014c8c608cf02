// Layers that would fill a disk or a memory: refused before they have.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { fetchLayer } from "../../agent/imgadm/layers/fetch-layer.ts";
import { LIMITS } from "../../agent/imgadm/limits.ts";
import { digestFromHex } from "../../agent/util/ids.ts";
import { rawTar } from "../support/tars.ts";

const work = mkdtempSync(join(tmpdir(), "zl-"));
afterAll(() => rmSync(work, { recursive: true }));

async function fetch(name: string, plain: Buffer, blob: Buffer): Promise<unknown> {
  const sha256 = (bytes: Buffer) => digestFromHex(createHash("sha256").update(bytes).digest("hex"));
  const layer = { digest: sha256(blob), size: blob.length, diffId: sha256(plain) };
  const source = {
    document: () => Promise.reject(new Error("not asked for")),
    blob: async function* () {
      for (let at = 0; at < blob.length; at += 65_536) yield await Promise.resolve(blob.subarray(at, at + 65_536));
    },
  };
  return fetchLayer(source, layer, join(work, name), { signal: new AbortController().signal });
}

it("more than a million entries", async () => {
  const one = rawTar([{ name: "f" }]).subarray(0, 512);
  const tar = Buffer.concat([Buffer.alloc((LIMITS.entriesPerLayer + 1) * one.length, one), Buffer.alloc(1024)]);
  await expect(fetch("many", tar, gzipSync(tar, { level: 1 }))).rejects.toMatchObject({
    code: "LAYER_HOSTILE",
    message: expect.stringContaining("more than 1000000 entries") as string,
  });
});

it("a bomb: 2.5 GiB in a blob of 2.5 MiB", async () => {
  // A file of the greatest size an octal field holds; its content never ends.
  const head = rawTar([{ name: "bomb", size: 0o77777777777 }]).subarray(0, 512);
  const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
  const blob = Buffer.concat([gzipSync(head), ...Array.from({ length: 40 }, () => zeros)]);
  await expect(fetch("bomb", head, blob)).rejects.toMatchObject({
    code: "LAYER_HOSTILE",
    message: expect.stringContaining("more than 200 times its size") as string,
  });
});
