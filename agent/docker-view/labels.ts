// Tags back to labels (sdc-docker.md 11).
import { PACKAGE_LABEL } from "../spec/packages.ts";
import { LABEL_TAG_PREFIX } from "../zoneinit/metadata-keys.ts";

const TRITON_PREFIX = "triton.";

/**
 * Labels of a zone by its tags: `docker:label:` ones without their prefix, then `triton.*` ones, which win; others are
 * not shown. Values become text. `packageName`: undefined where the zone's package is not known.
 */
export function labelsOfTags(
  tags: Readonly<Record<string, unknown>>,
  packageName: string | undefined,
): Readonly<Record<string, string>> {
  const scalars = Object.entries(tags).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? [[key, String(value)]] : [],
  );
  const labels = scalars.flatMap(([key, value]): [string, string][] =>
    key.startsWith(LABEL_TAG_PREFIX) ? [[key.slice(LABEL_TAG_PREFIX.length), value]] : [],
  );
  const triton = scalars.filter(([key]) => key.startsWith(TRITON_PREFIX));
  return Object.fromEntries([
    ...labels,
    ...triton,
    ...(packageName === undefined ? [] : [[PACKAGE_LABEL, packageName] as const]),
  ]);
}
