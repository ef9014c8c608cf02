// Whatever the container writes and however the platform cuts it: every byte once, in order, and never a crash.
import fc from "fast-check";
import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { escapeChunk, formatData, formatEvent } from "../../agent/labhost/runtime/stdio-record.ts";
import { readLog, readRecords, type LogChunk, type ReadLogOptions } from "../../agent/logs/read.ts";
import { decodeLines, type LogEntry, type LogStream } from "../../agent/logs/record.ts";

const ORIGIN = { hostname: "cn0", pid: 4711 };
const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});
function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "zl-logs-"));
  directories.push(path);
  return path;
}

interface Write {
  readonly stream: LogStream;
  readonly bytes: Uint8Array;
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ minLength: 1000, maxLength: 1024 }),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.constantFrom("\n", "", "a\n", "a\nb\n\n", "\r\n", '"\\', "\0").map((text) => Buffer.from(text)),
);
const write: fc.Arbitrary<Write> = fc.record({ stream: fc.constantFrom("stdout", "stderr"), bytes });

/** Records as the platform of today or of 2014 writes them. */
function lines({ stream, bytes: data }: Write, time: number, old: boolean): string {
  if (!old)
    return escapeChunk(data)
      .map((text) => formatData(ORIGIN, time, stream, text))
      .join("");
  const text = escapeChunk(data).join("");
  return `{"log":"${text}","stream":"${stream}","time":"${new Date(time).toISOString().slice(0, 19)}.${time % 1000}000Z"}\n`;
}

/** Text of the next chunk; undefined at the end. */
async function nextText(chunks: AsyncGenerator<LogChunk, void>): Promise<string | undefined> {
  const { done, value } = await chunks.next();
  return done === true ? undefined : value.bytes.toString();
}

async function read(path: string, options: ReadLogOptions = {}): Promise<Record<LogStream, Buffer>> {
  const parts: Record<LogStream, Buffer[]> = { stdout: [], stderr: [] };
  for await (const chunk of readLog(path, options)) parts[chunk.stream].push(chunk.bytes);
  return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr) };
}

function written(writes: readonly Write[], stream: LogStream): Buffer {
  return Buffer.concat(writes.filter((one) => one.stream === stream).map((one) => one.bytes));
}

const stamp = (i: number): string =>
  `stdio.log.20240514T11${String(Math.floor(i / 60)).padStart(2, "0")}${String(i % 60).padStart(2, "0")}Z`;

test("the fast path says what JSON.parse says", () => {
  const mutated = fc
    .tuple(
      write,
      fc.nat(400),
      fc.constantFrom("", "\\", '"', "u00", " ", "\u0001", "\u00e9", "\\u0100", "\\u00fF"),
      fc.nat(3),
    )
    .map(([one, at, insert, remove]) => {
      const line = lines(one, 1_715_679_012_684, false).trimEnd();
      return line.slice(0, at) + insert + line.slice(at + remove);
    });
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        write.map((one) => lines(one, 1, false).trimEnd()),
      ),
      (line) => {
        // A blank more in front is the same JSON in a layout that the fast path does not take.
        const plain = decode(line);
        const slow = decode(` ${line}`).map((entry) => ({ ...entry, at: Math.max(0, entry.at - 1) }));
        expect(plain).toEqual(slow);
      },
    ),
    { numRuns: 1000 },
  );
});

function decode(line: string): LogEntry[] {
  const block = Buffer.from(line, "latin1");
  return decodeLines(block, 0, block.length, 0);
}

test("rubbish never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (rubbish) => {
      decodeLines(Buffer.from(rubbish), 0, rubbish.length, 0);
    }),
  );
});

describe("every byte once", () => {
  test("streams interleaved, both formats, rotated anywhere, rubbish between", async () => {
    const step = fc.record({
      write,
      rotate: fc.boolean(),
      old: fc.boolean(),
      rubbish: fc.constantFrom("", "\n", '{"torn\n', "\xff\xfe\n"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const path = directory();
        const log = join(path, "stdio.log");
        writeFileSync(log, formatEvent(ORIGIN, 0, "open"));
        steps.forEach((one, i) => {
          appendFileSync(log, one.rubbish + lines(one.write, i, one.old), "latin1");
          if (one.rotate) rotate(path, i);
        });
        const result = await read(path);
        const writes = steps.map((one) => one.write);
        expect(result.stdout).toEqual(written(writes, "stdout"));
        expect(result.stderr).toEqual(written(writes, "stderr"));
      }),
      { numRuns: 60 },
    );
  });

  test("cut anywhere: only what was cut is missing", async () => {
    const records = Array.from({ length: 20 }, (_, i) =>
      lines({ stream: "stdout", bytes: Buffer.from(`line ${i}\n`) }, i, i % 2 === 0),
    );
    const whole = records.join("");
    const path = directory();
    for (let length = 0; length <= whole.length; length += 37) {
      writeFileSync(join(path, "stdio.log"), whole.slice(0, length));
      const complete = records.filter((_, i) => records.slice(0, i + 1).join("").length - 1 <= length).length;
      const { stdout } = await read(path);
      expect(stdout.toString()).toBe(Array.from({ length: complete }, (_, i) => `line ${i}\n`).join(""));
    }
  });

  test("while it is followed: rotated at every record, twice in a second, older files removed", async () => {
    const followed = fc.record({ write, rotate: fc.constantFrom(0, 0, 1, 2), pause: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(followed, { maxLength: 25 }), async (steps) => {
        const path = directory();
        const log = join(path, "stdio.log");
        let ended = false;
        const seen = read(path, { follow: true, ended: () => ended });
        writeFileSync(log, formatEvent(ORIGIN, 0, "open"));
        let rotations = 0;
        for (const [i, step] of steps.entries()) {
          appendFileSync(log, lines(step.write, i, false));
          for (let n = 0; n < step.rotate; n++) rotate(path, rotations++);
          if (step.pause) await new Promise((resolve) => setTimeout(resolve, 2));
        }
        ended = true;
        appendFileSync(log, formatEvent(ORIGIN, 0, "close"));
        const result = await seen;
        const writes = steps.map((one) => one.write);
        expect(result.stdout).toEqual(written(writes, "stdout"));
        expect(result.stderr).toEqual(written(writes, "stderr"));
      }),
      { numRuns: 40 },
    );
  });

  test("the file being followed is overwritten by a second rotation in its second, or removed", async () => {
    for (const overwritten of [true, false]) {
      const path = directory();
      const log = join(path, "stdio.log");
      const at = Date.parse("2024-05-14T11:00:07Z");
      writeFileSync(join(path, stamp(3)), lines({ stream: "stdout", bytes: Buffer.from("old\n") }, at - 4000, false));
      writeFileSync(log, lines({ stream: "stdout", bytes: Buffer.from("a\n") }, at, false));
      let ended = false;
      const chunks = readLog(path, { follow: true, ended: () => ended });
      expect(await nextText(chunks)).toBe("old\n");
      expect(await nextText(chunks)).toBe("a\n");
      rotate(path, 7);
      appendFileSync(log, lines({ stream: "stdout", bytes: Buffer.from("b\n") }, at + 100, false));
      if (overwritten) rotate(path, 7);
      else rmSync(join(path, stamp(7)));
      appendFileSync(
        log,
        lines({ stream: "stdout", bytes: Buffer.from("c\n") }, at + 200, false) + formatEvent(ORIGIN, at, "close"),
      );
      ended = true;
      let rest = "";
      for await (const chunk of chunks) rest += chunk.bytes.toString();
      expect(rest).toBe("b\nc\n");
    }
  });
});

function rotate(path: string, i: number): void {
  const rotated = join(path, stamp(i));
  renameSync(join(path, "stdio.log"), rotated);
  appendFileSync(rotated, formatEvent(ORIGIN, i, "close-rotate"));
  writeFileSync(join(path, "stdio.log"), formatEvent(ORIGIN, i, "open-rotate"));
}

describe("the last lines", () => {
  test("are those of a plain look at everything, whichever stream, however cut", async () => {
    const text = fc
      .array(fc.constantFrom("a", "bb", "\n", "\n", "c"), { maxLength: 6 })
      .map((parts) => Buffer.from(parts.join("")));
    const step = fc.record({
      write: fc.record({ stream: fc.constantFrom<LogStream>("stdout", "stderr"), bytes: text }),
      rotate: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.nat(8), async (steps, tail) => {
        const path = directory();
        const log = join(path, "stdio.log");
        writeFileSync(log, "");
        steps.forEach((one, i) => {
          appendFileSync(log, lines(one.write, i, false));
          if (one.rotate) rotate(path, i);
        });
        const result = await read(path, { tail });
        const expected = lastLines(
          steps.map((one) => one.write),
          tail,
        );
        expect(result.stdout.toString()).toBe(expected.stdout);
        expect(result.stderr.toString()).toBe(expected.stderr);
        const one = await read(path, { tail, stream: "stderr" });
        expect(one).toEqual({
          stdout: Buffer.alloc(0),
          stderr: Buffer.from(
            lastLines(
              steps.map(({ write: w }) => w).filter(({ stream }) => stream === "stderr"),
              tail,
            ).stderr,
          ),
        });
      }),
      { numRuns: 50 },
    );
  });

  /** Straightforward: put all lines together, order them by their ends, take the last. */
  function lastLines(writes: readonly Write[], count: number): Record<LogStream, string> {
    const open: Record<LogStream, string> = { stdout: "", stderr: "" };
    const openSince: Record<LogStream, number> = { stdout: 0, stderr: 0 };
    const all: { stream: LogStream; text: string; end: number }[] = [];
    let position = 0;
    for (const { stream, bytes: data } of writes)
      for (const byte of data) {
        position++;
        open[stream] += String.fromCharCode(byte);
        openSince[stream] = position;
        if (byte !== 10) continue;
        all.push({ stream, text: open[stream], end: position });
        open[stream] = "";
      }
    for (const stream of ["stdout", "stderr"] as const)
      if (open[stream] !== "") all.push({ stream, text: open[stream], end: openSince[stream] });
    const last = all.toSorted((a, b) => a.end - b.end).slice(count === 0 ? all.length : -count);
    const of = (stream: LogStream): string =>
      last
        .filter((line) => line.stream === stream)
        .map(({ text }) => text)
        .join("");
    return { stdout: of("stdout"), stderr: of("stderr") };
  }

  test("are found without reading the rest: a file of 10 GB in front takes no time", async () => {
    const path = directory();
    const log = join(path, "stdio.log");
    writeFileSync(join(path, stamp(0)), "");
    truncateSync(join(path, stamp(0)), 10 * 2 ** 30);
    writeFileSync(join(path, stamp(1)), lines({ stream: "stdout", bytes: Buffer.from("x\n".repeat(500)) }, 0, false));
    writeFileSync(log, lines({ stream: "stdout", bytes: Buffer.from("last\n") }, 0, false));
    expect((await read(path, { tail: 3 })).stdout.toString()).toBe("x\nx\nlast\n");
  }, 2_000);
});

test("since and until look at the time of each record", async () => {
  const path = directory();
  const at = Date.parse("2024-05-14T11:00:00Z");
  const line = (i: number): string => lines({ stream: "stdout", bytes: Buffer.from(`${i}\n`) }, at + i * 1000, false);
  writeFileSync(join(path, "stdio.log.20240514T110001Z"), line(0) + line(1));
  writeFileSync(join(path, "stdio.log.20240514T110003Z"), line(2) + line(3));
  writeFileSync(join(path, "stdio.log"), line(4) + line(5));
  const [since, until] = ["2024-05-14T11:00:01.000000000Z", "2024-05-14T11:00:05.000000000Z"];
  expect((await read(path, { since, until })).stdout.toString()).toBe("1\n2\n3\n4\n");
  expect((await read(path, { since, until, tail: 2 })).stdout.toString()).toBe("3\n4\n");
  expect((await read(path, { since, tail: 99 })).stdout.toString()).toBe("1\n2\n3\n4\n5\n");
});

test("readers of one log do not wait for each other", async () => {
  const path = directory();
  writeFileSync(join(path, "stdio.log"), lines({ stream: "stdout", bytes: Buffer.from("a\n") }, 0, false).repeat(5000));
  const slow = readRecords(path);
  await slow.next();
  expect((await read(path)).stdout.length).toBe(10_000);
  await slow.return(undefined);
});

test("a log emptied by hand goes on from its beginning", async () => {
  const path = directory();
  const log = join(path, "stdio.log");
  writeFileSync(log, lines({ stream: "stdout", bytes: Buffer.from("before\n") }, 0, false).repeat(2));
  let ended = false;
  const chunks = readLog(path, { follow: true, ended: () => ended });
  expect(await nextText(chunks)).toBe("before\nbefore\n");
  writeFileSync(log, lines({ stream: "stdout", bytes: Buffer.from("after\n") }, 0, false));
  expect(await nextText(chunks)).toBe("after\n");
  ended = true;
  appendFileSync(log, formatEvent(ORIGIN, 0, "close"));
  expect(await nextText(chunks)).toBeUndefined();
  expect(readdirSync(path)).toEqual(["stdio.log"]);
});
