// Docker Compose files (container-specs.md 4). One service is one zone; a file is not a pod.
import { z } from "zod";
import { suggest } from "../../../util/suggest.ts";
import { text } from "../../fields.ts";
import { zodProblems } from "../../issues.ts";
import type { NeutralApp, NeutralDocument } from "../../neutral.ts";
import { subSource, withValue, type SpecSource } from "../../source.ts";
import { MAX_APPS, type Given, type Report } from "../format.ts";
import { checkCycles } from "./dependencies.ts";
import { mergeExtends } from "./extends.ts";
import { interpolate } from "./interpolate.ts";
import { fileSource } from "./mounts.ts";
import { withoutExtensions } from "./schema.ts";
import { readService, type Project } from "./service.ts";
import { flag } from "./values.ts";
import { projectVolumes, volume } from "./volumes.ts";

const KEYS = ["name", "services", "networks", "volumes", "configs", "secrets"];
const IGNORED = ["version", "models"];
const SERVICE_NAME = /^[a-zA-Z0-9._-]{1,63}$/;

const anything = z.unknown().optional();
const network = z.strictObject({
  name: text.optional(),
  external: z.union([flag, z.strictObject({ name: text })]).optional(),
  driver: anything,
  driver_opts: anything,
  ipam: anything,
  internal: anything,
  attachable: anything,
  labels: anything,
  enable_ipv4: anything,
  enable_ipv6: anything,
});
export function readCompose(source: SpecSource, given: Given, report: Report): NeutralDocument | undefined {
  const plain = record(interpolate(source.value, given.variables ?? {}, report));
  if (plain === undefined) {
    report.complain([], "a Compose file is a map with the key services");
    return undefined;
  }
  checkKeys(plain, report);
  const own = withValue(source, plain);
  const services = readServices(plain["services"], report);
  const merged = mergeExtends(services, report);
  const active = new Map(Object.entries(merged).map(([name, service]) => [name, isActive(service)]));
  const project: Project = {
    volumes: projectVolumes(declared("volumes", volume, own, plain, report), report),
    networks: { default: "default", ...networkNames(declared("networks", network, own, plain, report)) },
    configs: declared("configs", fileSource, own, plain, report),
    secrets: declared("secrets", fileSource, own, plain, report),
    services: active,
  };
  if (report.problems.length > 0 && active.size === 0) return undefined;
  const apps = Object.entries(merged).flatMap(([name, attributes]): NeutralApp[] => {
    if (active.get(name) !== true) return [];
    const app = readService(attributes, own, { name, path: ["services", name], report, given, project });
    return app === undefined ? [] : [app];
  });
  if (apps.length === 0 && report.problems.length === 0)
    report.complain(["services"], "no service is left: all have profiles, and none is active", { at: "key" });
  checkCycles(apps, report);
  return { format: "compose", name: readName(plain["name"], report), apps, skipped: skippedServices(active) };
}

function checkKeys(document: Readonly<Record<string, unknown>>, report: Report): void {
  for (const key of Object.keys(document)) {
    if (KEYS.includes(key) || IGNORED.includes(key) || key.startsWith("x-")) continue;
    const near = suggest(key, KEYS);
    if (key === "include") report.refuse([key], "files beside the document are not read: write it all into one file");
    else
      report.complain([key], `unknown key "${key}"${near === undefined ? "" : ` (did you mean "${near}"?)`}`, {
        at: "key",
        ...(near === undefined ? {} : { suggestion: near }),
      });
  }
}

function readName(name: unknown, report: Report): string | null {
  if (name === undefined || name === null) return null;
  if (typeof name === "string" && /^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) return name;
  report.complain(["name"], "must be made of lower-case letters, digits, hyphens and underscores");
  return null;
}

function readServices(value: unknown, report: Report): Record<string, Readonly<Record<string, unknown>>> {
  const services = record(value);
  if (services === undefined || Object.keys(services).length === 0) {
    report.complain(["services"], "must be a map of at least one service");
    return {};
  }
  if (Object.keys(services).length > MAX_APPS) {
    report.complain(["services"], `more than ${MAX_APPS} services`, { at: "key" });
    return {};
  }
  return Object.fromEntries(
    Object.entries(services).flatMap(([name, service]) => {
      if (name.startsWith("x-")) return [];
      const path = ["services", name];
      if (!SERVICE_NAME.test(name))
        report.complain(path, "a service's name is 1 to 63 letters, digits, `.`, `_` or `-`", { at: "key" });
      const attributes = record(withoutExtensions(service));
      if (attributes === undefined) report.complain(path, "must be a map of attributes, such as image: nginx");
      return attributes === undefined ? [] : [[name, attributes]];
    }),
  );
}

/** No profile is ever active: there is no way to ask for one yet. */
function isActive(service: Readonly<Record<string, unknown>>): boolean {
  const { profiles } = service;
  return !Array.isArray(profiles) || profiles.length === 0;
}

function skippedServices(active: ReadonlyMap<string, boolean>): string[] {
  return [...active].flatMap(([name, is]) => (is ? [] : [name]));
}

/** Names in the document → names on the node. */
function networkNames(networks: Readonly<Record<string, z.output<typeof network>>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(networks).map(([name, { name: real, external }]) => [
      name,
      real ?? (typeof external === "object" ? external.name : name),
    ]),
  );
}

/** The entries of a top-level map that are right; the others are complained about. */
function declared<T extends z.ZodType>(
  key: string,
  schema: T,
  source: SpecSource,
  document: Readonly<Record<string, unknown>>,
  report: Report,
): Record<string, z.output<T>> {
  const value = document[key];
  if (value === undefined || value === null) return {};
  const entries = record(value);
  if (entries === undefined) {
    report.complain([key], "must be a map");
    return {};
  }
  const result: Record<string, z.output<T>> = {};
  for (const [name, entry] of Object.entries(entries)) {
    if (name.startsWith("x-")) continue;
    const plain = withoutExtensions(entry ?? {});
    const parsed = schema.safeParse(plain);
    if (parsed.success) result[name] = parsed.data;
    else
      report.add(
        zodProblems(schema, subSource(source, [key, name], plain), parsed.error.issues, {
          synonyms: {},
          refused: {},
          ownPath: true,
        }),
      );
  }
  return result;
}

function record(value: unknown): Record<string, unknown> | undefined {
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
