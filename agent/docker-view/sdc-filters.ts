// Filters of the container list as the predecessor reads them (sdc-docker.md 22); Docker's own are in agent/filters.
import { z } from "zod";
import { refusal } from "./refusal.ts";

export type Filters = Readonly<Record<string, readonly string[]>>;

const json = z.record(z.string(), z.unknown());
const list = z.array(z.unknown());

/**
 * Query parameter `filters` in both its forms, `{"label":["a"]}` and `{"label":{"a":true}}`. Raises FILTER_INVALID in the
 * predecessor's words. In the second form the values are the keys, whatever stands behind them.
 */
export function parseFilters(text: string): Filters {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw refusal("FILTER_INVALID", `invalid filters: ${cause instanceof Error ? String(cause) : "no JSON"}`);
  }
  return normaliseFilters(parsed);
}

export function normaliseFilters(value: unknown): Filters {
  const filters = json.safeParse(value).data;
  if (filters === undefined) throw refusal("FILTER_INVALID", "invalid filters: Error: expected an object");
  return Object.fromEntries(Object.entries(filters).map(([name, values]) => [name, filterValues(name, values)]));
}

function filterValues(name: string, values: unknown): string[] {
  const items = list.safeParse(values).data ?? Object.keys(json.safeParse(values).data ?? {});
  if (items.length === 0 && (typeof values !== "object" || values === null))
    throw refusal(
      "FILTER_INVALID",
      `invalid filters: Error: invalid filter "${name}" - expected an array or object, got: ${JSON.stringify(values)}`,
    );
  return items.map(String);
}

/** `key` or `key=value`; a value may have further equals signs. */
export function splitLabel(filter: string): { readonly key: string; readonly value: string | undefined } {
  const equals = filter.indexOf("=");
  return equals < 0
    ? { key: filter, value: undefined }
    : { key: filter.slice(0, equals), value: filter.slice(equals + 1) };
}
