import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { appendLinesInRoot } from "../../agent/host/in-root.ts";

let work: string;
let root: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "zl-"));
  root = join(work, "root");
  mkdirSync(join(root, "etc"), { recursive: true });
});
afterEach(() => {
  rmSync(work, { recursive: true, force: true });
});
const add = (...lines: string[]): void => {
  appendLinesInRoot(root, "/etc/passwd", lines);
};
const file = (path: string): string => readFileSync(join(root, path), "utf8");

describe("lines added to a file of a zone", () => {
  test("come after what is there, each once, whatever ended the last line", () => {
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh");
    chmodSync(join(root, "etc/passwd"), 0o600);
    add("a", "b");
    add("b", "c");
    add("c");
    expect(file("etc/passwd")).toBe("root:x:0:0::/:/bin/sh\na\nb\nc\n");
    expect(statSync(join(root, "etc/passwd")).mode & 0o777).toBe(0o600);
  });

  test("make the file, and its directory", () => {
    rmSync(join(root, "etc"), { recursive: true });
    add("a");
    expect(file("etc/passwd")).toBe("a\n");
  });

  test("follow links inside the root", () => {
    mkdirSync(join(root, "usr/share"), { recursive: true });
    writeFileSync(join(root, "usr/share/passwd"), "x\n");
    symlinkSync("/usr/share/passwd", join(root, "etc/passwd"));
    add("a");
    expect(file("usr/share/passwd")).toBe("x\na\n");
  });

  test("never leave it", () => {
    writeFileSync(join(work, "passwd"), "host\n");
    symlinkSync("../../passwd", join(root, "etc/passwd"));
    expect(() => {
      add("a");
    }).toThrow("leads nowhere");
    rmSync(join(root, "etc"), { recursive: true });
    symlinkSync("..", join(root, "etc"));
    add("a");
    expect(file("passwd")).toBe("a\n");
    expect(readFileSync(join(work, "passwd"), "utf8")).toBe("host\n");
  });

  test("are refused by what is no file", () => {
    mkdirSync(join(root, "etc/passwd"));
    expect(() => {
      add("a");
    }).toThrow();
  });
});
