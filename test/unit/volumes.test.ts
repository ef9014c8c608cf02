import fc from "fast-check";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  linkSync,
  lstatSync,
  chmodSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { isAllowedSource } from "../../agent/spec/resolve-mounts.ts";
import { cleanSubpath, parseVolumePath, volumePath } from "../../agent/spec/volume-place.ts";
import { isUuid, isVolumeName } from "../../agent/util/ids.ts";
import { copyContent, emptyDirectory, makeSubdirectory } from "../../agent/volumes/fill.ts";
import { nestedWriters } from "../../agent/volumes/usage.ts";
import { prepareText } from "../support/spec-builders.ts";

describe("where a mount may come from", () => {
  const piece = fc.constantFrom(
    "..",
    ".",
    "/",
    "//",
    "a",
    "b",
    "data",
    "zones",
    "zonelet",
    "volumes",
    "etc",
    ":",
    "\0",
    "\n",
    "-",
    "ü",
  );
  const wild = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(""));
  const source = fc.oneof(
    wild,
    fc.constantFrom("data", "v", "/data", "/data/x", "/data/../etc", "/zones/zonelet/volumes/v"),
  );
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const volume = fc.oneof(
    fc.tuple(source, wild).map(([a, b]) => `${a}:/${b}`),
    fc.record({
      type: maybe(fc.constantFrom("bind", "volume", "empty", "nfs")),
      source: maybe(source),
      target: wild.map((text) => `/t${text}`),
      subpath: maybe(wild),
    }),
  );

  test("whatever a spec says: a new volume, a configured root, or a volume of the node", () => {
    const borrowed = fc.record({
      source: source.map((text) => `/${text}`),
      target: fc.constant("/from"),
      readOnly: fc.boolean(),
    });
    let made = 0;
    fc.assert(
      fc.property(fc.array(volume, { maxLength: 2 }), maybe(borrowed), (volumes, lent) => {
        try {
          const { manifest } = prepareText(
            JSON.stringify({ image: "a", volumes, ...(lent === undefined ? {} : { volumesFrom: ["x"] }) }),
            { name: "a.json", identity: { mountsOf: () => (lent === undefined ? [] : [lent]) } },
          );
          for (const { source } of manifest.filesystems ?? []) {
            made++;
            const ours = parseVolumePath("zones", source) !== undefined;
            expect(isUuid(source) || isAllowedSource(source, ["/data"]) || ours, source).toBe(true);
            expect(source.split("/"), source).not.toContain("..");
          }
        } catch (error) {
          if (!(error instanceof AgentError)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
    expect(made).toBeGreaterThan(100);
  });

  test("a volume's path is read back as it was made, and nothing else is read", () => {
    const name = "a.b-c_D";
    if (!isVolumeName(name)) throw new Error("unreachable");
    const path = volumePath("zones", { kind: "named", name }, "x/y");
    expect(path).toBe("/zones/zonelet/volumes/a.b-c_D/x/y");
    expect(parseVolumePath("zones", path)).toEqual({ place: { kind: "named", name }, subpath: "x/y" });
    for (const other of [
      "/zones/zonelet/volumes",
      "/zones/zonelet/volumes/",
      "/zones/zonelet/volumes/../x",
      "/zones/zonelet/volumes/a/../../b",
      "/zones/zonelet/groups/g",
      "/zones/zoneletx/volumes/a",
      "/tank/zonelet/volumes/a",
      "/zones/zonelet/volumes/a//b",
    ])
      expect(parseVolumePath("zones", other), other).toBeUndefined();
  });

  test.each([
    ["a//b/", "a/b"],
    ["./a", "a"],
    ["", ""],
    ["/a", undefined],
    ["a/../b", undefined],
    ["a\nb", undefined],
  ])("subpath %j", (text, expected) => expect(cleanSubpath(text)).toBe(expected));
});

describe("nobody may write above what another one mounts", () => {
  const use = (subpath: string, readOnly = false, volume = "v") => {
    if (!isVolumeName(volume)) throw new Error("unreachable");
    return { place: { kind: "named", name: volume } as const, subpath, readOnly };
  };
  test.each([
    ["the same part twice", [use("a")], [use("a")], false],
    ["parts beside each other", [use("a"), use("ab")], [use("b/c")], false],
    ["the whole twice", [use("")], [use("")], false],
    ["the whole above a part", [use("")], [use("a")], true],
    ["a part below the whole", [use("a/b")], [use("")], true],
    ["a part below a part", [use("a/b/c")], [use("a/b")], true],
    ["a read-only whole above", [use("a")], [use("", true)], false],
    ["a read-only part below a writable whole", [use("a", true)], [use("")], true],
    ["both in one container", [use(""), use("a")], [], true],
    ["another volume", [use("")], [use("a", false, "w")], false],
  ])("%s", (_, wanted, others, refused) => {
    expect(nestedWriters(wanted, others) !== undefined).toBe(refused);
  });
});

describe("files of a volume", () => {
  const work = mkdtempSync(join(tmpdir(), "zl-"));
  afterAll(() => rmSync(work, { recursive: true }));
  const fresh = (name: string): string => {
    const path = join(work, name);
    mkdirSync(path);
    return path;
  };

  test("are copied with links as links, modes and times; emptying follows no link", async () => {
    const [from, to, outside] = [fresh("from"), fresh("to"), fresh("outside")];
    writeFileSync(join(outside, "precious"), "x");
    mkdirSync(join(from, "d"), { mode: 0o750 });
    writeFileSync(join(from, "d/f"), "text", { mode: 0o640 });
    chmodSync(join(from, "d/f"), 0o4755);
    linkSync(join(from, "d/f"), join(from, "hard"));
    symlinkSync(outside, join(from, "out"));
    await copyContent(from, to);
    expect(readFileSync(join(to, "d/f"), "utf8")).toBe("text");
    expect(statSync(join(to, "d/f")).mode & 0o7777).toBe(0o4755);
    expect(statSync(join(to, "d")).mode & 0o777).toBe(0o750);
    expect(statSync(join(to, "hard")).ino).toBe(statSync(join(to, "d/f")).ino);
    expect(lstatSync(join(to, "out")).isSymbolicLink()).toBe(true);
    await emptyDirectory(to);
    expect(readFileSync(join(outside, "precious"), "utf8")).toBe("x");
  });

  test("a subdirectory is made, and never through a link", async () => {
    const [root, outside] = [fresh("root"), fresh("elsewhere")];
    await makeSubdirectory(root, "a/b", "volume");
    expect(statSync(join(root, "a/b")).isDirectory()).toBe(true);
    symlinkSync(outside, join(root, "link"));
    symlinkSync(join(root, "a"), join(root, "inner"));
    writeFileSync(join(root, "file"), "");
    await expect(makeSubdirectory(root, "link/x", "volume")).rejects.toThrow('volume: "link" is a symbolic link');
    await expect(makeSubdirectory(root, "inner/b", "volume")).rejects.toThrow("symbolic link");
    await expect(makeSubdirectory(root, "file", "volume")).rejects.toThrow("is not a directory");
    expect(lstatSync(join(outside, "x"), { throwIfNoEntry: false })).toBeUndefined();
  });
});
