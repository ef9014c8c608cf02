// What a spec vector says, and our documents in its words.
import { z } from "zod";
import type { NeutralDocument } from "../../agent/spec/neutral.ts";

const json = z.record(z.string(), z.unknown());
export const expectation = z.strictObject({
  format: z.string(),
  input: z.string(),
  source: z.unknown().optional(),
  given: z
    .strictObject({
      variables: z.record(z.string(), z.string()).optional(),
      name: z.string().optional(),
      platform: z.string().optional(),
    })
    .optional(),
  expect: json.optional(),
  warnings: z.array(z.string()).optional(),
  error: z.strictObject({ field: z.string(), reason: z.string(), stage: z.enum(["format", "agent"]) }).optional(),
});
export type SpecVector = z.output<typeof expectation>;

/** The vectors' names for what we call `memoryBytes`, `places` and `at` left out. Keys of maps stay as they are. */
export function toVectorForm(document: NeutralDocument): Record<string, unknown> {
  return {
    ...snakeKeys({ hostname: null, labels: {}, ...document, format: undefined, apps: undefined }),
    apps: document.apps.map(toVectorApp),
  };
}

function toVectorApp(app: NeutralDocument["apps"][number]): Record<string, unknown> {
  return snakeKeys({ ...app, at: undefined, places: undefined });
}

const MAPS = new Set(["labels", "annotations", "env", "extraHosts", "envLate", "imageLabels", "options", "headers"]);

export function snakeKeys(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [
        key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        MAPS.has(key) ? inner : snakeValue(inner),
      ]),
  );
}

function snakeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => snakeValue(item));
  return typeof value === "object" && value !== null ? snakeKeys(value) : value;
}

/** What an expectation says about a neutral document: only its keys, in lists of apps, ports and mounts too. */
export function asExpected(actual: unknown, expected: unknown, key = ""): unknown {
  if (Array.isArray(actual) && Array.isArray(expected))
    return actual.map((item: unknown, i) => (i < expected.length ? asExpected(item, expected[i]) : item));
  const [given, wanted] = [json.safeParse(actual), json.safeParse(expected)];
  if (!given.success || !wanted.success || EXACT.has(key)) return actual;
  return Object.fromEntries(
    Object.keys(wanted.data).flatMap((k) =>
      Object.hasOwn(given.data, k) ? [[k, asExpected(given.data[k], wanted.data[k], k)]] : [],
    ),
  );
}

const EXACT = new Set(["labels", "annotations", "env", "extra_hosts", "env_late", "image_labels", "probes", "hooks"]);

/** `services["my.web"].image` as the vectors write it: `services.my.web.image`. */
export function vectorPath(path: string): string {
  return path.replace(/\["((?:[^"\\]|\\.)*)"\]/g, (_, quoted: string, at: number) => {
    const key = z.string().parse(JSON.parse(`"${quoted}"`));
    return at === 0 ? key : `.${key}`;
  });
}

export function namesField(path: string, field: string): boolean {
  const own = vectorPath(path);
  return own === field || own.startsWith(`${field}.`) || own.startsWith(`${field}[`) || own.startsWith(`${field}:`);
}
