import { describe, expect, test } from "vitest";
import { imageConfigSchema } from "../../agent/spec/image-config.ts";
import { anImage, messageOf, prepareText } from "../support/spec-builders.ts";

const SECOND = 1_000_000_000;
const image = anImage({
  Cmd: ["sh"],
  Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 7 * SECOND, Timeout: 0, Retries: 9 },
});
const healthOf = (lines: string, of = image): unknown => {
  const mark = prepareText(`image: a\n${lines}\n`, { image: of }).manifest.internal_metadata?.["zonelet:health"];
  return mark === undefined ? undefined : JSON.parse(String(mark));
};
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5_000, retries: 3 };
const OF_IMAGE = { ...DEFAULTS, test: ["CMD-SHELL", "true"], intervalMs: 7_000, retries: 9 };

describe("what is kept of a health check", () => {
  test.each([
    ["the image's", "", OF_IMAGE],
    ["text is for the shell", "healthcheck: { test: exit 1 }", { ...OF_IMAGE, test: ["CMD-SHELL", "exit 1"] }],
    ["a program", "healthcheck: { test: [CMD, a, b] }", { ...OF_IMAGE, test: ["CMD", "a", "b"] }],
    ["the image's with other times", "healthcheck: { interval: 1m, retries: 0 }", { ...OF_IMAGE, intervalMs: 60_000 }],
    ["an empty test is the image's", "healthcheck: { test: [], timeout: 2s }", { ...OF_IMAGE, timeoutMs: 2_000 }],
    ["none", "healthcheck: none", undefined],
    ["none, Docker's way", "healthcheck: { test: [NONE] }", undefined],
  ])("%s", (_, lines, expected) => {
    expect(healthOf(lines)).toEqual(expected);
  });

  test("nothing where nobody says how", () => {
    expect(healthOf("healthcheck: { interval: 1s }", anImage({ Cmd: ["sh"] }))).toBeUndefined();
    expect(healthOf("healthcheck: { test: [CMD, a] }", anImage({ Cmd: ["sh"] }))).toEqual({
      ...DEFAULTS,
      test: ["CMD", "a"],
    });
  });

  test("Compose's and Docker's notations arrive", () => {
    const compose =
      "services:\n  web:\n    image: a\n    healthcheck: { test: [CMD, a], interval: 90s, start_period: 1m, disable: false }\n";
    const mark = prepareText(compose, { image }).manifest.internal_metadata?.["zonelet:health"];
    expect(JSON.parse(String(mark))).toEqual({
      ...OF_IMAGE,
      test: ["CMD", "a"],
      intervalMs: 90_000,
      startPeriodMs: 60_000,
    });
  });
});

test.each([
  ["{ test: [CMD] }", "healthcheck.test: must be text, or a list beginning with NONE, CMD or CMD-SHELL"],
  ["{ test: [echo, ok] }", "healthcheck.test: must be text, or a list beginning with"],
  ["{ interval: 10 }", "healthcheck.interval: 10 is not a duration; write the unit, e.g. 10s"],
  ["{ intervall: 10s }", 'healthcheck: unknown key "intervall" (did you mean "interval"?)'],
  ["{ retries: -1 }", "healthcheck.retries: must be a whole number from 0"],
  ["off", "healthcheck: must be"],
])("a bad one is told: %s", (value, told) => {
  expect(messageOf(() => prepareText(`image: a\nhealthcheck: ${value}\n`))).toContain(told);
});

test("an image's nonsense is passed over", () => {
  const parsed = imageConfigSchema.parse({ config: { Cmd: ["sh"], Healthcheck: { Test: "true" } } });
  expect(parsed.config?.Cmd).toEqual(["sh"]);
  expect(parsed.config?.Healthcheck).toBeUndefined();
  const odd = anImage({ Cmd: ["sh"], Healthcheck: { Test: ["CMD", "a"], Interval: -1, Retries: 0.5 } });
  expect(healthOf("", odd)).toEqual({ ...DEFAULTS, test: ["CMD", "a"] });
});
