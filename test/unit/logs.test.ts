import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeLines } from "../../agent/logs/record.ts";
import { readLog, type ReadLogOptions } from "../../agent/logs/read.ts";

function record(msg: string, stream = "stdout"): string {
  const text = JSON.stringify(msg).replace(/[\u0080-\u00ff]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
  return `{ "time": "2024-05-14T09:30:12.684120000Z", "v": 0, "hostname": "cn0", "name": "zoneadmd","pid": 91102, "level": 30, "msg":${text}, "stream":"${stream}" }\n`;
}
const mark = (msg: string): string =>
  `{ "time": "2024-05-14T09:30:12.101233000Z", "v": 0, "hostname": "cn0", "name": "zoneadmd","pid": 91102, "level": 30, "stream":"logfile", "msg":"${msg}" }\n`;

const decode = (text: string) => {
  const block = Buffer.from(text, "latin1");
  return decodeLines(block, 0, block.length, 0);
};

describe("records", () => {
  test("current format: each \\u00xx is one byte", () => {
    expect(decode(record("caf\u00c3\u00a9\n"))).toMatchObject([{ stream: "stdout", bytes: Buffer.from("café\n") }]);
  });
  test("older format with an unpadded fraction", () => {
    expect(decode('{"log":"msg\\n","stream":"stderr","time":"2014-10-24T20:12:11.5000Z"}')).toEqual([
      { kind: "output", stream: "stderr", time: "2014-10-24T20:12:11.000005000Z", bytes: Buffer.from("msg\n"), at: 0 },
    ]);
  });
  test.each(["", "{", "[]", "null", '{"stream":"stdout"}', '{"msg":"x"}'])("%j is unreadable", (line) => {
    expect(decode(line)).toEqual([]);
  });
  test("what follows a torn record in its line is found", () => {
    const torn = record("lost\n").slice(0, 120);
    const found = decode(torn + record("kept\n") + '{"log":"to' + '{"log":"old\\n","stream":"stdout","time":"x"}\n');
    expect(found).toMatchObject([
      { bytes: Buffer.from("kept\n"), at: 120 },
      { bytes: Buffer.from("old\n"), time: "x" },
    ]);
  });
});

describe("reading", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "zl-logs-"));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const log = (name = "stdio.log"): string => join(directory, name);

  async function read(options: ReadLogOptions = {}): Promise<string> {
    let text = "";
    for await (const chunk of readLog(directory, options)) text += chunk.bytes.toString("latin1");
    return Buffer.from(text, "latin1").toString("utf8");
  }

  test("no log yet is empty", async () => {
    expect(await read()).toBe("");
    expect(await read({ tail: 5 })).toBe("");
  });

  test("rotated files come first, marks and torn lines are left out, split characters joined", async () => {
    await writeFile(log("stdio.log.20240514T110244Z"), mark("open") + record("one\n") + mark("close-rotate"));
    await writeFile(log("stdio.log.20240514T110245Z"), record("two\n"));
    await writeFile(log(), mark("open-rotate") + record("thr\u00c3") + '{"torn\n' + record("\u00a9e\n") + '{"half');
    expect(await read()).toBe("one\ntwo\nthrée\n");
  });

  test.each([
    [0, ""],
    [1, "5\n"],
    [2, "4\n5\n"],
    [4, "2\n3\n4\n5\n"],
    [99, "1\n2\n3\n4\n5\n"],
  ])("the last %i lines, over records and files", async (tail, expected) => {
    await writeFile(log("stdio.log.20240514T110244Z"), record("1\n2\n") + record("3\n"));
    await writeFile(log(), record("4") + record("\n") + record("5\n") + mark("close"));
    expect(await read({ tail })).toBe(expected);
  });

  test("an unfinished last line counts as a line", async () => {
    await writeFile(log(), record("a\nb\n") + record("prompt> "));
    expect(await read({ tail: 1 })).toBe("prompt> ");
    expect(await read({ tail: 2 })).toBe("b\nprompt> ");
  });

  test("the last lines of a big file without reading it all", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => record(`line ${i}\n`)).join("");
    await writeFile(log(), many);
    expect(await read({ tail: 3 })).toBe("line 19997\nline 19998\nline 19999\n");
  });

  test("following: waits for the file, survives two rotations at once, ends with the close mark", async () => {
    let ended = false;
    const seen = read({ follow: true, ended: () => ended });
    await writeFile(log(), mark("open") + record("a\n"));
    await appendFile(log(), record("b\n"));
    await rename(log(), log("stdio.log.20240514T110244Z"));
    await appendFile(log("stdio.log.20240514T110244Z"), record("late\n"));
    await writeFile(log("stdio.log.20240514T110245Z"), record("c\n"));
    await writeFile(log(), record("d\n"));
    ended = true;
    await appendFile(log(), record("tail after the halt\n") + mark("close"));
    expect(await seen).toBe("a\nb\nlate\nc\nd\ntail after the halt\n");
  });

  test("following the last lines goes on from there", async () => {
    await writeFile(log(), record("1\n2\n3\n"));
    const chunks = readLog(directory, { follow: true, tail: 1, ended: () => true });
    expect((await chunks.next()).value).toMatchObject({ bytes: Buffer.from("3\n") });
    await appendFile(log(), record("4\n") + mark("close"));
    expect((await chunks.next()).value).toMatchObject({ bytes: Buffer.from("4\n") });
    expect((await chunks.next()).done).toBe(true);
  });

  test("without close mark a second of silence after the end is enough (older platforms)", async () => {
    await writeFile(log(), '{"log":"x\\n","stream":"stdout","time":"2014-10-24T20:12:11.101973117Z"}\n');
    expect(await read({ follow: true, ended: () => true })).toBe("x\n");
  });

  test("an abort ends it quietly", async () => {
    await writeFile(log(), record("x\n"));
    expect(await read({ follow: true, ended: () => false, signal: AbortSignal.timeout(50) })).toBe("x\n");
  });
});
