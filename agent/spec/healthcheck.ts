// How a container's health is asked for: the spec's notation, the image's, and what the two together mean (moby
// daemon/commit.go, daemon/health.go).
import { z } from "zod";
import { documented, field } from "./field-docs.ts";
import { duration, integer, text } from "./fields.ts";

const DURATION = "duration (`10s`, `1m30s`)";

/** Docker's own rule: nothing is asked more often than a thousand times a second. 0 means what the image says. */
const wait = duration.refine((ms) => ms === 0 || ms >= 1, "must be 0 or at least 1ms");

const test = z.union([text, z.array(text)]).transform((value, ctx): readonly string[] => {
  if (typeof value === "string") return value === "" ? [] : ["CMD-SHELL", value];
  const [kind, ...rest] = value;
  const fits =
    kind === undefined ||
    (kind === "NONE" && rest.length === 0) ||
    (kind === "CMD" && rest.length > 0) ||
    (kind === "CMD-SHELL" && rest.length === 1);
  if (!fits) ctx.addIssue({ code: "custom", message: "must be text, or a list beginning with NONE, CMD or CMD-SHELL" });
  return value;
});

const settings = z.strictObject({
  test: documented(test.optional(), {
    means: "Text for the shell, or `[CMD, program, …]`, `[CMD-SHELL, text]`, `[NONE]`.",
    type: "text, or list of text",
    otherwise: "the image's",
    example: ["CMD", "/bin/check"],
  }),
  interval: field(wait, {
    means: "Time between the end of one check and the next.",
    type: DURATION,
    otherwise: "`30s`",
    example: "10s",
  }),
  timeout: field(wait, {
    means: "Time after which a check has failed.",
    type: DURATION,
    otherwise: "`30s`",
    example: "5s",
  }),
  retries: field(integer(0, 1_000_000), {
    means: "Failures in a row that make it unhealthy.",
    type: "whole number",
    otherwise: "3",
    example: 3,
  }),
  startPeriod: field(wait, {
    means: "Time after the start in which failures do not count.",
    type: DURATION,
    otherwise: "`0s`",
    example: "1m",
  }),
  startInterval: field(wait, {
    means: "Time between checks in the start period.",
    type: DURATION,
    otherwise: "`5s`",
    example: "1s",
  }),
});

export const healthcheck = z.union([z.literal("none").transform(() => ({ test: ["NONE"] })), settings]);
export type HealthcheckSpec = z.output<typeof settings>;

/** As image configurations have it: nanoseconds, 0 for what is not said. */
export const imageHealthcheck = z.looseObject({
  Test: z.array(z.string()).nullish(),
  Interval: z.number().nullish(),
  Timeout: z.number().nullish(),
  StartPeriod: z.number().nullish(),
  StartInterval: z.number().nullish(),
  Retries: z.number().nullish(),
});
type ImageHealthcheck = z.output<typeof imageHealthcheck>;

const kept = z.object({
  test: z
    .array(z.string())
    .min(2)
    .refine(([kind]) => kind === "CMD" || kind === "CMD-SHELL")
    .readonly(),
  intervalMs: z.number().positive(),
  timeoutMs: z.number().positive(),
  startPeriodMs: z.number().nonnegative(),
  startIntervalMs: z.number().positive(),
  retries: z.int().positive(),
});

/** With nothing left to decide. `test` begins with `CMD` or `CMD-SHELL`. */
export type Healthcheck = Readonly<z.output<typeof kept>>;

/** Reads the mark that zones are made with. Anything else, as an operator may have written it, asks for no checks. */
export function parseHealthMark(mark: unknown): Healthcheck | undefined {
  if (typeof mark !== "string") return undefined;
  try {
    return kept.safeParse(JSON.parse(mark)).data;
  } catch {
    return undefined;
  }
}

const MS = 1_000_000;

/** Spec over image over Docker's defaults; undefined where nobody asks, or somebody says NONE. */
export function effectiveHealthcheck(
  own: HealthcheckSpec | undefined,
  image: ImageHealthcheck | undefined,
): Healthcheck | undefined {
  const inherited = image?.Test ?? [];
  const test = own?.test !== undefined && own.test.length > 0 ? own.test : inherited;
  if (test[0] !== "CMD" && test[0] !== "CMD-SHELL") return undefined;
  const decide = (ours: number | undefined, theirs: number | null | undefined, otherwise: number): number =>
    ours !== undefined && ours > 0 ? ours : (positive(theirs) ?? otherwise);
  const ms = (ours: number | undefined, theirs: number | null | undefined, otherwise: number): number =>
    decide(ours, theirs === undefined || theirs === null ? theirs : Math.ceil(theirs / MS), otherwise);
  return {
    test,
    intervalMs: ms(own?.interval, image?.Interval, 30_000),
    timeoutMs: ms(own?.timeout, image?.Timeout, 30_000),
    startPeriodMs: ms(own?.startPeriod, image?.StartPeriod, 0),
    startIntervalMs: ms(own?.startInterval, image?.StartInterval, 5_000),
    retries: decide(own?.retries, image?.Retries, 3),
  };
}

function positive(value: number | null | undefined): number | undefined {
  return value !== undefined && value !== null && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
