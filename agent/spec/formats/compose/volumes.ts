// Top-level `volumes`: names in the document → volumes of the node.
import { z } from "zod";
import { byteSize, text } from "../../fields.ts";
import type { Report } from "../format.ts";
import type { ProjectVolume } from "./service.ts";
import { flag, nameValues, scalar } from "./values.ts";

export const volume = z.strictObject({
  name: text.optional(),
  external: z.union([flag, z.strictObject({ name: text })]).optional(),
  driver: scalar.optional(),
  driver_opts: z.record(text, scalar).optional(),
  labels: nameValues.optional(),
});

/** There is one kind of volume here; of the options of its driver a size has a meaning. */
export function projectVolumes(
  entries: Readonly<Record<string, z.output<typeof volume>>>,
  report: Report,
): Record<string, ProjectVolume> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, projectVolume(name, entry, report)]));
}

function projectVolume(
  name: string,
  { name: real, external, driver, driver_opts: options = {}, labels }: z.output<typeof volume>,
  report: Report,
): ProjectVolume {
  const path = ["volumes", name];
  const existing = external !== undefined && external !== false;
  if (existing)
    for (const [key, value] of Object.entries({ driver, driver_opts: options, labels }))
      if (value !== undefined && Object.keys(value).length > 0)
        report.complain([...path, key], "cannot be given for a volume that is external", { at: "key" });
  if (driver !== undefined && driver !== "local" && driver !== "")
    report.refuse([...path, "driver"], `there are only volumes of the node, no driver ${JSON.stringify(driver)}`);
  for (const key of Object.keys(options))
    if (key !== "size")
      report.refuse([...path, "driver_opts", key], "has no meaning for a volume of the node: only size has one");
  const size = options["size"] === undefined ? undefined : byteSize.safeParse(options["size"]);
  if (size?.success === false)
    report.complain([...path, "driver_opts", "size"], size.error.issues[0]?.message ?? "is no size");
  return {
    name: real ?? (typeof external === "object" ? external.name : name),
    scoped: real === undefined && !existing,
    ...(existing ? { existing } : {}),
    ...(size?.success === true ? { sizeBytes: size.data } : {}),
    ...(labels === undefined
      ? {}
      : { labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, value ?? ""])) }),
  };
}
