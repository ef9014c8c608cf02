// Rotated logs, a real archive command, and what a tenant or an operator may have left in their place.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCommandRunner } from "../../agent/exec/run.ts";
import { hostPaths } from "../../agent/host/paths.ts";
import { createLogger } from "../../agent/log/logger.ts";
import { createLogJanitor, zoneLogBytes, type JanitorSettings } from "../../agent/logs/janitor.ts";
import { readLog } from "../../agent/logs/read.ts";
import { readBootFailure } from "../../agent/zones/boot-log.ts";
import { aVm } from "../support/builders.ts";

let root: string;
let logs: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "zl-tidy-"));
  logs = join(root, "zones", zone().uuid, "logs");
  mkdirSync(logs, { recursive: true });
  mkdirSync(join(root, "var/db/zonelet/locks"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

function zone(options: Record<string, string> = { "max-file": "3" }) {
  return aVm({ internal_metadata: { "zonelet:version": "1", "docker:logconfig": JSON.stringify(options) } });
}
const rotated = (i: number): string => `stdio.log.20240514T11000${i}Z`;
function fill(count: number): void {
  for (let i = 0; i < count; i++) writeFileSync(join(logs, rotated(i)), `${i}`);
  writeFileSync(join(logs, "stdio.log"), "now");
}
function janitor(settings: JanitorSettings = {}) {
  const log = createLogger({ level: "silent", destination: process.stderr });
  const runner = createCommandRunner({ env: { PATH: "/usr/bin:/bin" } });
  return createLogJanitor({ paths: hostPaths(root), runner, settings, log });
}
function script(text: string): string {
  const path = join(root, "archive");
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o700);
  return path;
}

test("keeps max-file files, the current one included; repeating it does nothing", async () => {
  fill(5);
  expect(await janitor().tidy([zone()])).toEqual({ removed: 3, bytes: 3, kept: [], busy: false });
  expect(readdirSync(logs).sort()).toEqual(["stdio.log", rotated(3), rotated(4)]);
  expect(await janitor().tidy([zone()])).toMatchObject({ removed: 0 });
  expect(await zoneLogBytes(hostPaths(root), zone())).toBe(5);
});

test("without a number all are kept, the node's holds where the container has none", async () => {
  fill(3);
  expect(await janitor().tidy([zone({})])).toMatchObject({ removed: 0 });
  expect(await janitor({ maxFile: 1 }).tidy([zone({})])).toMatchObject({ removed: 3 });
  expect(readdirSync(logs)).toEqual(["stdio.log"]);
});

test("zones of others are left alone", async () => {
  fill(3);
  const foreign = aVm({ internal_metadata: { "docker:logconfig": '{"max-file":"1"}' } });
  expect(await janitor({ maxFile: 1 }).tidy([foreign])).toMatchObject({ removed: 0 });
});

test("a file is handed to the command before it goes, and stays when that fails or takes too long", async () => {
  fill(5);
  const command = script(`cat "$2" >> "${root}/$1"`);
  await janitor({ archive: { command: [command, "taken"], timeoutSeconds: 5 } }).tidy([zone()]);
  expect(readFileSync(join(root, "taken"), "utf8")).toBe("012");
  fill(5);
  for (const [text, reason] of [
    ["echo no room >&2; exit 3", "no room"],
    ["sleep 20", "1 s"],
  ] as const) {
    const result = await janitor({ archive: { command: [script(text)], timeoutSeconds: 1 } }).tidy([zone()]);
    expect(result).toMatchObject({ removed: 0, kept: [{ path: join(logs, rotated(0)) }] });
    expect(result.kept[0]?.reason, reason).not.toBe("");
    expect(existsSync(join(logs, rotated(0)))).toBe(true);
  }
});

test("links, FIFOs, devices and hard links in a log's place are neither read nor archived", async () => {
  const secret = join(root, "secret");
  writeFileSync(secret, '{"log":"secret\\n","stream":"stdout","time":"x"}\n');
  const plants = [
    (path: string) => symlinkSync(secret, path),
    (path: string) => linkSync(secret, path),
    (path: string) => execFileSync("mkfifo", [path]),
    (path: string) => symlinkSync("/dev/zero", path),
    (path: string) => mkdirSync(path),
  ];
  for (const plant of plants) {
    plant(join(logs, "stdio.log"));
    plant(join(logs, rotated(0)));
    let text = "";
    for await (const { bytes } of readLog(logs, { follow: true, ended: () => true })) text += bytes.toString();
    for await (const { bytes } of readLog(logs, { tail: 5 })) text += bytes.toString();
    expect(text).toBe("");
    const archive = { command: [script(`echo "$1" >> ${root}/taken`)] as [string], timeoutSeconds: 5 };
    expect(await janitor({ maxFile: 1, archive }).tidy([zone()])).toMatchObject({ removed: 0, kept: [] });
    rmSync(logs, { recursive: true });
    mkdirSync(logs);
  }
  rmSync(logs, { recursive: true });
  mkdirSync(join(root, "elsewhere"));
  writeFileSync(join(root, "elsewhere/stdio.log"), readFileSync(secret));
  symlinkSync(join(root, "elsewhere"), logs);
  for await (const { bytes } of readLog(logs)) throw new Error(`read through a link: ${bytes.toString()}`);
});

test("dockerinit's log is read in the zone's root only, as a plain file, and no more of it than its end", () => {
  const zoneRoot = join(root, "zone");
  const place = join(zoneRoot, "var/log/sdc-dockerinit.log");
  const fatal = "2024-05-14T09:30:12.279Z FATAL (code: 17): 'nodde' not found in PATH\n";
  mkdirSync(join(zoneRoot, "var/log"), { recursive: true });
  const outside = join(root, "outside");
  writeFileSync(outside, fatal);
  for (const plant of [
    () => symlinkSync(outside, place),
    () => symlinkSync("../../../outside", place),
    () => linkSync(outside, place),
    () => execFileSync("mkfifo", [place]),
    () => spawnSync("mknod", [place, "c", "1", "5"]),
    () => mkdirSync(place),
  ]) {
    plant();
    expect(readBootFailure(zoneRoot)).toBeUndefined();
    rmSync(place, { recursive: true, force: true });
  }
  writeFileSync(place, "");
  truncateSync(place, 10 * 2 ** 30);
  expect(readBootFailure(zoneRoot)).toBeUndefined();
  writeFileSync(place, fatal, { flag: "a" });
  expect(readBootFailure(zoneRoot)).toMatchObject({ code: 17 });
});
