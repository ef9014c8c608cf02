// `extends: {service}` within one file: the base's attributes below the service's own.
import { z } from "zod";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";

type Attributes = Readonly<Record<string, unknown>>;

const MAX_CHAIN = 32;
/** Values of all services together; a document of 512 KiB without `extends` stays below. */
const MAX_VALUES = 500_000;

const reference = z.union([
  z.string().transform((service) => ({ service, file: undefined })),
  z.strictObject({ service: z.string(), file: z.string().optional() }),
]);

/** Written as a map or as a list of `K=V`: merged by key. */
const KEYED = new Set(["environment", "labels", "annotations", "sysctls", "build.args", "extra_hosts"]);
/** The service's own value replaces the base's as a whole. */
const REPLACED = new Set(["command", "entrypoint", "healthcheck.test", "profiles"]);
/** Of the service alone. */
const OWN = new Set(["extends", "container_name"]);

/** Services with what they extend merged in. Complains about unknown services, other files, cycles and endless work. */
export function mergeExtends(
  services: Readonly<Record<string, Attributes>>,
  report: Report,
): Record<string, Attributes> {
  let values = 0;
  const merged: Record<string, Attributes> = {};
  for (const [name, own] of Object.entries(services)) {
    const chain = baseChain(name, own, services, report);
    const service = chain.reduceRight<Attributes>((base, next) => mergeService(base, next), {});
    values += chain.length > 1 ? countValues(service) : 0;
    if (values > MAX_VALUES) {
      report.complain(["services", name, "extends"], `all services together hold more than ${MAX_VALUES} values`);
      return {};
    }
    merged[name] = service;
  }
  return merged;
}

/** The service itself, then what it extends, nearest first. */
function baseChain(
  name: string,
  own: Attributes,
  services: Readonly<Record<string, Attributes>>,
  report: Report,
): Attributes[] {
  const seen = new Set([name]);
  const chain: Attributes[] = [];
  const path: SpecPath = ["services", name, "extends"];
  let current: Attributes | undefined = own;
  while (current !== undefined) {
    chain.push(current);
    if (current["extends"] === undefined) break;
    const wanted = reference.safeParse(current["extends"]);
    if (!wanted.success) {
      report.complain(path, "must be the name of a service, or a map with the key service");
      break;
    }
    const { service, file } = wanted.data;
    if (file !== undefined) {
      report.refuse([...path, "file"], "files beside the document are not read");
      break;
    }
    if (seen.has(service)) {
      report.complain(path, `${[...seen, service].join(" extends ")}: a circle`);
      break;
    }
    if (seen.size > MAX_CHAIN) {
      report.complain(path, `more than ${MAX_CHAIN} services extend each other`);
      break;
    }
    seen.add(service);
    current = Object.hasOwn(services, service) ? services[service] : undefined;
    if (current === undefined) report.complain(path, `there is no service ${JSON.stringify(service)}`);
  }
  return chain;
}

function mergeService(base: Attributes, own: Attributes): Attributes {
  const inherited = Object.entries(base).filter(([key]) => !OWN.has(key));
  return mergeMaps(Object.fromEntries(inherited), own, "");
}

function mergeMaps(base: Attributes, own: Attributes, prefix: string): Attributes {
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(own))
    result.set(key, result.has(key) ? mergeValue(result.get(key), value, `${prefix}${key}`) : value);
  return Object.fromEntries(result);
}

function mergeValue(base: unknown, own: unknown, key: string): unknown {
  if (REPLACED.has(key)) return own;
  if (KEYED.has(key)) {
    const [inherited, added] = [keyed(base, key), keyed(own, key)];
    // What is no list of settings is handed on as it is: reading the service complains of it.
    if (added === undefined) return own;
    return inherited === undefined ? base : { ...inherited, ...added };
  }
  if (isList(base) && isList(own)) return key === "volumes" ? byTarget([...base, ...own]) : unique([...base, ...own]);
  if (isMap(base) && isMap(own)) return mergeMaps(base, own, `${key}.`);
  return own;
}

/** A list of `K=V` as a map; undefined where an entry is neither text nor number. */
function keyed(value: unknown, key: string): Attributes | undefined {
  if (isMap(value)) return value;
  if (!Array.isArray(value)) return {};
  const words = value.filter((entry: unknown) => ["string", "number", "boolean"].includes(typeof entry));
  if (words.length < value.length) return undefined;
  const separator = key === "extra_hosts" ? /[=:]/ : /=/;
  return Object.fromEntries(
    words.map((entry: unknown) => {
      const text = String(entry);
      const at = separator.exec(text)?.index ?? -1;
      return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** Later ones win, at the place of the first. */
function byTarget(volumes: readonly unknown[]): unknown[] {
  const result = new Map<unknown, unknown>();
  for (const volume of volumes) result.set(targetOf(volume), volume);
  return [...result.values()];
}

function targetOf(volume: unknown): unknown {
  if (isMap(volume)) return volume["target"];
  if (typeof volume !== "string") return volume;
  const parts = volume.split(":");
  return parts[1] ?? parts[0];
}

function unique(values: readonly unknown[]): unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + countValues(inner), 1);
}

function isMap(value: unknown): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
