import { expect, test } from "vitest";
import { anImage, messageOf, prepareText } from "../support/spec-builders.ts";

const manifestOf = (lines: string) => prepareText(`image: a\n${lines}\n`).manifest;

test.each([
  ["nothing", "", { tmpfs: 0, max_locked_memory: 512 }],
  ["a memory file system", "tmpfs: 65m", { tmpfs: 65 }],
  ["as large as the memory", "tmpfs: true\nmemory: 100m", { tmpfs: 100, max_locked_memory: 100 }],
  ["locked memory", "lockedMemory: 1500k", { max_locked_memory: 2 }],
])("%s", (_, lines, expected) => {
  expect(manifestOf(lines)).toMatchObject(expected);
});

test.each([
  ["tmpfs: 1g", "web.yaml:2:8 tmpfs: must not be more than the memory (512 MiB)"],
  ["lockedMemory: 1g", "web.yaml:2:15 lockedMemory: must not be more than the memory (512 MiB)"],
  ["log: { maxSize: 10 }", "web.yaml:2:17 log.maxSize: 10 is not a log size"],
])("%s", (lines, told) => {
  expect(messageOf(() => manifestOf(lines))).toContain(told);
});

test("a log size in bytes", () => {
  expect(manifestOf("log: { maxSize: 52428800 }").zlog_max_size).toBe(52_428_800);
});

test("command: none drops the image's, which Docker has no word for", () => {
  const image = anImage({ Entrypoint: ["/entry"], Cmd: ["serve"] });
  const metadata = prepareText("image: a\ncommand: none\n", { image }).manifest.internal_metadata;
  expect([metadata?.["docker:entrypoint"], metadata?.["docker:cmd"]]).toEqual(['["/entry"]', "[]"]);
});
