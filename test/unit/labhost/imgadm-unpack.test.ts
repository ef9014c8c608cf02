import { describe, expect, it } from "vitest";
import { errorRecord, execError, ImgadmError } from "../../../agent/labhost/commands/imgadm/errors.ts";
import { isDelayedLink, isKnownKeyword, saferName } from "../../../agent/labhost/commands/imgadm/member-name.ts";
import { parseOptions } from "../../../agent/labhost/commands/imgadm/options.ts";
import { sniffCompression } from "../../../agent/labhost/commands/imgadm/unpack.ts";
import { checkDockerIndex, normalise } from "../../../agent/labhost/commands/imgadm/sources.ts";
import { planVacuum } from "../../../agent/labhost/commands/imgadm/vacuum.ts";
import type { InstalledImage } from "../../../agent/labhost/commands/imgadm/state.ts";

describe("names as gtar 1.23 makes them safe", () => {
  it.each([
    ["./a/b", "./a/b", undefined],
    ["dir/", "dir", undefined],
    ["/etc/passwd", "etc/passwd", "Removing leading `/' from member names"],
    ["///x", "x", "Removing leading `///' from member names"],
    ["../../x", "x", "Removing leading `../../' from member names"],
    ["a/../b", "b", "Removing leading `a/../' from member names"],
    ["a/..", ".", "Removing leading `a/..' from member names"],
    ["..a/b..", "..a/b..", undefined],
    ["", ".", "Substituting `.' for empty member name"],
  ])("%j becomes %j", (raw, name, warning) => {
    expect(saferName(raw, "member names")).toEqual({ name, ...(warning !== undefined && { warning }) });
  });

  it.each([
    ["/etc", true],
    ["../x", true],
    ["a/../b", true],
    ["a..b", false],
    ["x/y", false],
  ])("a link to %s is put off: %s", (target, delayed) => {
    expect(isDelayedLink(target)).toBe(delayed);
  });

  it.each([
    ["mtime", true],
    ["GNU.sparse.major", true],
    ["SCHILY.xattr.user.x", false],
    ["LIBARCHIVE.creationtime", false],
  ])("knows the keyword %s: %s", (keyword, known) => {
    expect(isKnownKeyword(keyword)).toBe(known);
  });
});

describe("sniffCompression (imgadm.md 6.1)", () => {
  it.each([
    ["bzip2", [0x42, 0x5a, 0x68, 0x39]],
    ["gzip", [0x1f, 0x8b, 0x08, 0]],
    ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
    ["none", [0x28, 0xb5, 0x2f, 0xfd]],
    ["none", [0x1f, 0x8b]],
    ["none", []],
  ])("%s", (compression, bytes) => {
    expect(sniffCompression(Uint8Array.from(bytes))).toBe(compression);
  });
});

describe("parseOptions", () => {
  const specs = [{ names: ["-j", "--json"] }, { names: ["-H"] }, { names: ["-o", "--output"], takesValue: true }];

  it("takes options and operands in any order, bundled, attached and long", () => {
    const parsed = parseOptions(["a", "-Hj", "b", "-ox,y", "--output=z", "--", "-c"], specs);
    expect(parsed.operands).toEqual(["a", "b", "-c"]);
    expect([parsed.has("-j"), parsed.has("-H")]).toEqual([true, true]);
    expect(parsed.values("-o")).toEqual(["x,y", "z"]);
  });

  it.each([
    [["-x"], 'unknown option: "-x"'],
    [["--nope=1"], 'unknown option: "--nope"'],
    [["-o"], 'do not have enough args for "-o" option'],
  ])("refuses %j", (args, message) => {
    expect(() => parseOptions(args, specs)).toThrow(new ImgadmError("Option", message));
  });
});

describe("errors", () => {
  it("lay out what a program said as imgadm does", () => {
    expect(execError({ command: "/x y" }, 2, "out\n", "").message).toBe(
      "exec error:\n\tcommand: /x y\n\texit status: 2\n\tstdout:\nout\n\tstderr:\n",
    );
  });

  it("become one bunyan record with -E (imgadm.md 1)", () => {
    const error = new ImgadmError("InvalidUUID", 'invalid uuid: "foo"');
    const record = errorRecord(error, { requestId: "r", hostname: "gz", pid: 7, time: "t" });
    expect(JSON.parse(record)).toEqual({
      name: "imgadm",
      req_id: "r",
      hostname: "gz",
      pid: 7,
      level: 50,
      err: { message: error.message, name: "WError", stack: error.stack, code: "InvalidUUID" },
      msg: error.message,
      time: "t",
      v: 0,
    });
  });
});

describe("image sources (imgadm.md 3.1, 7.4)", () => {
  it.each([
    ["docker.io", "http://docker.io"],
    ["https://reg:443/", "https://reg"],
    ["http://reg:80", "http://reg"],
    ["https://reg:5000//", "https://reg:5000"],
  ])("%s is the same as %s", (url, same) => {
    expect(normalise(url)).toBe(normalise(same));
  });

  it.each([
    ["ftp://a.b", 'invalid index scheme, must be "http" or "https": ftp://a.b'],
    ["foo", 'invalid index, "foo" does not look like a valid host: foo'],
    ["a.b/repo", "invalid index, trailing repo: a.b/repo"],
    ["http://docker.io", "invalid index, HTTP to official index is disallowed: http://docker.io"],
    ["https://", "invalid index, empty host: https://"],
  ])("refuses %s for docker", (url, message) => {
    expect(() => {
      checkDockerIndex(url);
    }).toThrow(new ImgadmError(undefined, message));
  });

  it.each(["docker.io", "https://index.docker.io/v1/", "localhost", "reg.example.com:5000/"])("takes %s", (url) => {
    expect(() => {
      checkDockerIndex(url);
    }).not.toThrow();
  });
});

describe("planVacuum", () => {
  const image = (uuid: string, cloneNames: readonly string[]): InstalledImage => ({
    manifest: { uuid },
    zpool: "zones",
    cloneNames,
    allClones: cloneNames,
  });

  it("takes whole unused chains, leaves before origins, and nothing a zone hangs on", () => {
    const images = [
      image("base", ["zones/middle"]),
      image("middle", ["zones/leaf"]),
      image("leaf", []),
      image("used", ["zones/zone"]),
      image("half", ["zones/leaf", "zones/zone"]),
    ];
    expect(planVacuum(images).map(({ manifest }) => manifest.uuid)).toEqual(["leaf", "middle", "base"]);
  });
});
