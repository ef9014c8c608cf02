import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, GIB, KIB, MIB, parseByteSize, parseDuration } from "../../agent/util/units.ts";

describe("byte sizes", () => {
  it.each([
    ["0", 0],
    ["512", 512],
    ["1b", 1],
    ["1k", KIB],
    ["1K", KIB],
    ["1kb", KIB],
    ["1KiB", KIB],
    ["64m", 64 * MIB],
    ["1.5g", 1.5 * GIB],
    ["0.3k", 307],
    [" 2 GB ", 2 * GIB],
    ["8388608p", undefined],
    ["-1", undefined],
    ["1e3", undefined],
    ["1x", undefined],
    ["1kib2", undefined],
    [".5m", undefined],
    ["", undefined],
    ["m", undefined],
  ])("%j -> %s", (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1.5 * GIB, "1.5 GiB"],
    [512 * MIB, "512 MiB"],
    [2 * MIB - 1, "1.9 MiB"],
  ])("%d is shown as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("never shows more than there is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        expect(parseByteSize(formatBytes(bytes))).toBeLessThanOrEqual(bytes);
      }),
    );
  });
});

describe("durations", () => {
  it.each([
    ["10s", 10_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["200ms", 200],
    ["5us", 1],
    ["0s", 0],
    ["10", undefined],
    ["", undefined],
    ["10 s", undefined],
    ["-5s", undefined],
    ["1d", undefined],
    ["s", undefined],
  ])("%j -> %s ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});
