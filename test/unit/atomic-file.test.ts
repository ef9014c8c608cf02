import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeFileAtomic } from "../../agent/util/atomic-file.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "zl-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it("replaces a file, makes its directories, and leaves nothing beside it", async () => {
  const path = join(directory, "a/b/record.json");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, new TextEncoder().encode("two"), { sync: false });
  expect(await readFile(path, "utf8")).toBe("two");
  expect(await readdir(join(directory, "a/b"))).toEqual(["record.json"]);
});

it("is for the owner only unless told otherwise", async () => {
  const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
  const secret = join(directory, "new/secret");
  await writeFileAtomic(secret, "x");
  expect(await mode(secret)).toBe(0o600);
  expect(await mode(join(directory, "new"))).toBe(0o700);
  const open = join(directory, "open");
  await writeFile(open, "old", { mode: 0o600 });
  await writeFileAtomic(open, "x", { mode: 0o644 });
  expect(await mode(open)).toBe(0o644);
});

it("keeps the old file and no rubbish when it fails", async () => {
  const path = join(directory, "taken");
  await mkdir(join(path, "inner"), { recursive: true });
  await expect(writeFileAtomic(path, "x")).rejects.toThrow();
  expect(await readdir(directory)).toEqual(["taken"]);
  expect(await readdir(path)).toEqual(["inner"]);
});

it("shows a reader the old or the new content, never a part", async () => {
  const path = join(directory, "busy");
  const contents = ["a".repeat(200_000), "b".repeat(200_000)];
  await writeFileAtomic(path, contents[0]!, { sync: false });
  const seen = new Set<string>();
  const read = async (): Promise<void> => void seen.add(await readFile(path, "utf8"));
  for (let round = 0; round < 30; round++)
    await Promise.all([writeFileAtomic(path, contents[round % 2]!, { sync: false }), read(), read()]);
  expect([...seen].every((content) => contents.includes(content))).toBe(true);
  expect(seen.size).toBe(2);
});
