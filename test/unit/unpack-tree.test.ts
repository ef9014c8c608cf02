import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packTree } from "../../agent/zones/pack-tree.ts";
import { unpackTree } from "../../agent/zones/unpack-tree.ts";
import { rawTar, type RawEntry } from "../support/tars.ts";

let work: string;
let into: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "zl-"));
  into = join(work, "into");
  mkdirSync(into);
  writeFileSync(join(work, "secret"), "host");
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const unpack = (entries: readonly RawEntry[], as?: string) =>
  unpackTree(Readable.from([rawTar(entries)]), { into, as });

describe("a hostile archive", () => {
  test.each<[string, RawEntry[]]>([
    ["a climbing name", [{ name: "../evil", content: "x" }]],
    ["an absolute name", [{ name: "/tmp/evil", content: "x" }]],
    ["a climb inside", [{ name: "d/../../evil", content: "x" }]],
    ["a hard link that climbs", [{ name: "d/h", type: "1", target: "../secret" }]],
    ["a hard link to what is not there", [{ name: "h", type: "1", target: "nothing" }]],
  ])("%s is refused", async (_, entries) => {
    await expect(unpack(entries)).rejects.toMatchObject({ code: "COPY_FAILED" });
    expect(existsSync(join(work, "evil"))).toBe(false);
    expect(readFileSync(join(work, "secret"), "utf8")).toBe("host");
  });

  test("writing through a link of its own ends in a directory, never behind the link", async () => {
    const entries: RawEntry[] = [
      { name: "out", type: "2", target: work },
      { name: "out/secret", content: "tenant" },
      { name: "file", type: "2", target: join(work, "secret") },
      { name: "file", content: "tenant" },
    ];
    await expect(unpack(entries)).rejects.toMatchObject({ code: "COPY_FAILED" });
    expect(readFileSync(join(work, "secret"), "utf8")).toBe("host");
  });

  test("a link that is there already is not gone through, and a link in a file's place is replaced", async () => {
    symlinkSync(work, join(into, "out"));
    await expect(unpack([{ name: "out/secret", content: "tenant" }])).rejects.toThrow("is no directory");
    symlinkSync(join(work, "secret"), join(into, "file"));
    await unpack([{ name: "file", content: "tenant" }]);
    expect(readFileSync(join(work, "secret"), "utf8")).toBe("host");
    expect(readFileSync(join(into, "file"), "utf8")).toBe("tenant");
  });

  test("devices and FIFOs are left out and told", async () => {
    const skipped: string[] = [];
    const tar = rawTar([
      { name: "fifo", type: "6" },
      { name: "disk", type: "3" },
      { name: "ok", content: "1" },
    ]);
    await unpackTree(Readable.from([tar]), { into, onSkipped: (name) => skipped.push(name) });
    expect(skipped).toEqual(["fifo", "disk"]);
    expect(readFileSync(join(into, "ok"), "utf8")).toBe("1");
  });

  test("set-user-id bits do not come along", async () => {
    await unpack([{ name: "su", content: "x", mode: 0o4755 }]);
    expect(lstatSync(join(into, "su")).mode & 0o7777).toBe(0o755);
  });

  test("a torn archive is an error", async () => {
    const tar = rawTar([{ name: "a", content: "x".repeat(2000) }]).subarray(0, 1024);
    await expect(unpackTree(Readable.from([tar]), { into })).rejects.toThrow();
  });
});

test("what was packed comes out the same, under the name that was asked for", async () => {
  const from = join(work, "from");
  mkdirSync(join(from, "d"), { recursive: true });
  writeFileSync(join(from, "d/empty"), "");
  writeFileSync(join(from, "big"), "y".repeat(300_000), { mode: 0o640 });
  symlinkSync("../nowhere", join(from, "d/link"));
  await unpackTree(packTree({ from, as: "x", owners: false, follow: false }), { into, as: "name" });
  expect(readFileSync(join(into, "name/big"), "utf8")).toBe("y".repeat(300_000));
  expect(lstatSync(join(into, "name/big")).mode & 0o777).toBe(0o640);
  expect(readFileSync(join(into, "name/d/empty"), "utf8")).toBe("");
  expect(lstatSync(join(into, "name/d/link")).isSymbolicLink()).toBe(true);
});
