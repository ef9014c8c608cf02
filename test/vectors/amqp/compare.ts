// Comparing with the placeholders of the message-bus vectors: everything else is literal.
import type { OutgoingMessage } from "../../../agent/amqp/routing.ts";
import { asJson, equalDifferences } from "../compare.ts";
import type { Difference } from "../vector.ts";

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** `got` with every value that a placeholder of `expected` covers put in that placeholder's place. */
function covered(expected: unknown, got: unknown): unknown {
  if (typeof expected === "string") {
    // A time as the neighbouring text has it: ISO, or the heartbeater's seconds.
    if (expected === "<timestamp>") return (typeof got === "string" && ISO_TIME.test(got)) || typeof got === "number" ? expected : got; // prettier-ignore
    if (expected === "<number>") return typeof got === "number" ? expected : got;
    if (expected.includes("<random hex>")) {
      const [before = "", after = ""] = expected.split("<random hex>");
      if (typeof got !== "string" || !got.startsWith(before) || !got.endsWith(after)) return got;
      return /^[0-9a-f]{1,8}$/.test(got.slice(before.length, got.length - after.length)) ? expected : got;
    }
    return got;
  }
  if (Array.isArray(expected) && Array.isArray(got)) {
    // One text that tells what stands there: any list.
    if (expected.length === 1 && typeof expected[0] === "string" && expected[0].startsWith("<each ")) return expected;
    return got.map((item: unknown, i) => covered(expected[i], item));
  }
  if (isObject(expected) && isObject(got))
    return Object.fromEntries(Object.entries(got).map(([key, value]) => [key, covered(expected[key], value)]));
  return got;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function differences(expected: unknown, got: unknown, path: readonly string[] = []): Difference[] {
  const json = asJson(got);
  return equalDifferences(expected, covered(expected, json), path);
}

/** A message of ours as the vectors write one. */
export function written({ routingKey, properties, body }: OutgoingMessage): Record<string, unknown> {
  return {
    exchange: "amq.topic",
    routing_key: routingKey,
    properties: properties.contentType === undefined ? {} : { content_type: properties.contentType },
    body,
  };
}

/** A difference unless `holds`. */
export function demand(what: string, holds: boolean): Difference[] {
  return holds ? [] : [{ path: "", expected: what, got: "not so" }];
}
