import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { effectiveLimit, StdioLog } from "../../../agent/labhost/runtime/stdio-log.ts";
import { escapeChunk, formatData, formatEvent, rotationStamp } from "../../../agent/labhost/runtime/stdio-record.ts";

const origin = { hostname: "cn0", pid: 91102 };
const at = (iso: string, micros: number): number => Date.parse(iso) + micros / 1000;

// dockerinit.md 10.4
describe("the records of the reference", () => {
  test.each([
    [
      formatEvent(origin, at("2024-05-14T09:30:12Z", 101233), "open"),
      `{ "time": "2024-05-14T09:30:12.101233000Z", "v": 0, "hostname": "cn0", "name": "zoneadmd","pid": 91102, "level": 30, "stream":"logfile", "msg":"open" }\n`,
    ],
    [
      formatData(origin, at("2024-05-14T09:30:12Z", 684120), "stdout", text("listening on 8080\nready\n")),
      `{ "time": "2024-05-14T09:30:12.684120000Z", "v": 0, "hostname": "cn0", "name": "zoneadmd","pid": 91102, "level": 30, "msg":"listening on 8080\\nready\\n", "stream":"stdout" }\n`,
    ],
    [
      formatData(origin, at("2024-05-14T09:30:13Z", 2917), "stderr", text("warn: café closed\nwarn: retry")),
      `{ "time": "2024-05-14T09:30:13.002917000Z", "v": 0, "hostname": "cn0", "name": "zoneadmd","pid": 91102, "level": 30, "msg":"warn: caf\\u00c3\\u00a9 closed\\nwarn: retry", "stream":"stderr" }\n`,
    ],
  ])("%#", (record, expected) => {
    expect(record).toBe(expected);
  });

  test("a rotated file's stamp", () => {
    expect(rotationStamp(Date.parse("2024-05-14T11:02:44.917Z"))).toBe("20240514T110244Z");
  });
});

function text(value: string): string {
  return escapeChunk(Buffer.from(value)).join("");
}

test("every byte survives the way through a JSON parser", () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const [escaped = ""] = escapeChunk(bytes);
  expect(Buffer.from(JSON.parse(`"${escaped}"`) as string, "latin1")).toEqual(bytes);
});

test("a full escape buffer makes several records and never cuts a sequence", () => {
  const pieces = escapeChunk(Buffer.alloc(1024, 0xff));
  expect(pieces.map((piece) => piece.length)).toEqual([2046, 2046, 2046, 6]);
  expect(pieces.every((piece) => piece.length % 6 === 0)).toBe(true);
  expect(escapeChunk(Buffer.alloc(1024, "a"))).toHaveLength(1);
});

test.each([
  [undefined, 0],
  [0, 0],
  [1, 1_048_576],
  [50_000_000, 50_000_000],
])("limit %s means %s", (maxSize, limit) => {
  expect(effectiveLimit(maxSize)).toBe(limit);
});

describe("the file", () => {
  let directory: string;
  let path: string;
  let clock: number;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "zl-log-"));
    path = join(directory, "logs/stdio.log");
    clock = Date.parse("2024-05-14T09:30:12Z");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const openLog = (maxSize?: number): StdioLog => new StdioLog(path, { origin, maxSize, now: () => clock });
  const messages = (file = path): string[] =>
    readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { msg: string }).msg);

  test("has its modes and is appended to by the next boot", () => {
    openLog().close();
    const log = openLog();
    log.write("stdout", Buffer.from("x"));
    log.close();
    log.close();
    expect(messages()).toEqual(["open", "close", "open", "x", "close"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "logs")).mode & 0o777).toBe(0o700);
  });

  test("rotates after the record that passes the limit", () => {
    const log = openLog(1);
    for (let written = 0; written <= 1_048_576; written += 1024) log.write("stdout", Buffer.alloc(1024, "a"));
    log.close();
    const names = readdirSync(join(directory, "logs")).sort();
    expect(names).toEqual(["stdio.log", "stdio.log.20240514T093012Z"]);
    expect(messages(join(directory, "logs", names[1] ?? "")).at(-1)).toBe("close-rotate");
    expect(messages()[0]).toBe("open-rotate");
  });

  test("an equal second overwrites the earlier rotation", () => {
    const log = openLog();
    log.write("stdout", Buffer.from("first"));
    log.rotate();
    log.write("stdout", Buffer.from("second"));
    log.rotate();
    expect(messages(`${path}.20240514T093012Z`)).toEqual(["open-rotate", "second", "close-rotate"]);
    log.close();
  });

  test("is reopened after somebody else renamed it", () => {
    const log = openLog();
    renameSync(path, `${path}.old`);
    log.reopen();
    log.close();
    expect(messages(`${path}.old`)).toEqual(["open", "close-rotate"]);
    expect(messages()).toEqual(["open-rotate", "close"]);
  });
});
