// `zonelet images --filter`: Docker's keys for images, and containerd's grammar.
import { matchesGlob } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { fields, map, text } from "../filters/adaptors.ts";
import { DockerFilters } from "../filters/docker-args.ts";
import { splitFilters } from "../filters/either.ts";
import type { ImageListing } from "../imgadm/images.ts";
import { parseReference } from "../imgadm/reference.ts";

/** containerd's fields of an image; annotations of descriptors are not kept. */
const imageFields = fields<ImageListing>({
  name: text((image) => image.reference),
  "target.digest": text((image) => image.manifest),
  labels: map((image) => image.labels),
});

const KEYS = ["dangling", "reference", "label", "before", "since"] as const;

/**
 * Which of `images` the filters leave. `reference` is a pattern with `*` and `?`, of a name with or without its tag;
 * `before` and `since` name an image. FILTER_INVALID for another key, for a `dangling` that is neither true nor false,
 * IMAGE_NOT_FOUND for an image that is not here.
 */
export function filterImages(images: readonly ImageListing[], options: readonly string[]): readonly ImageListing[] {
  const { docker, matches } = splitFilters(options, imageFields);
  const filters = DockerFilters.fromOptions(docker);
  for (const key of filters.keys())
    if (!KEYS.some((known) => known === key))
      throw new AgentError("FILTER_INVALID", `invalid filter "${key}"`, { hint: `use one of ${KEYS.join(", ")}` });
  const dangling = filters.get("dangling").map(parseBoolean);
  const before = filters.get("before").map((name) => createdAt(images, name));
  const since = filters.get("since").map((name) => createdAt(images, name));
  return images.filter(
    (image) =>
      matches(image) &&
      (dangling.length === 0 || dangling.includes(image.reference === undefined)) &&
      (filters.get("reference").length === 0 ||
        filters.get("reference").some((pattern) => matchesReference(image.reference, pattern))) &&
      filters.holdsLabels("label", image.labels) &&
      before.every((time) => time > (Date.parse(image.createdAt ?? "") || 0)) &&
      since.every((time) => time < (Date.parse(image.createdAt ?? "") || 0)),
  );
}

function parseBoolean(text: string): boolean {
  if (["true", "1"].includes(text)) return true;
  if (["false", "0"].includes(text)) return false;
  throw new AgentError("FILTER_INVALID", `invalid filter "dangling=${text}"`, {
    hint: "use dangling=true or dangling=false",
  });
}

function createdAt(images: readonly ImageListing[], name: string): number {
  const found = images.find(
    ({ reference, config }) =>
      familiarOf(reference) === familiarOf(name) || config === name || config?.startsWith(`sha256:${name}`) === true,
  );
  if (found === undefined) throw new AgentError("IMAGE_NOT_FOUND", `no image "${name}" on this node`);
  return Date.parse(found.createdAt ?? "") || 0;
}

function matchesReference(reference: string | undefined, pattern: string): boolean {
  if (reference === undefined) return false;
  const familiar = familiarOf(reference) ?? reference;
  const withoutTag = familiar.replace(/:[^:/@]+$/, "");
  return [reference, familiar, withoutTag].some((name) => matchesGlob(name, pattern));
}

function familiarOf(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : parseReference(text).familiar;
  } catch {
    return text;
  }
}
