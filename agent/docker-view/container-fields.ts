// What containerd's filters reach in a container of ours: containerd's own fields, and the additional ones
// (events-and-filters.md 4.6 and 11).
import { fields, map, text } from "../filters/adaptors.ts";
import type { Adaptor } from "../filters/evaluate.ts";
import type { ContainerFacts } from "./facts.ts";
import { labelsOfTags } from "./labels.ts";

export const containerFields: Adaptor<ContainerFacts> = fields<ContainerFacts>({
  id: text((c) => c.uuid),
  image: text((c) => c.imageName),
  "runtime.name": text(() => "zones.lx.v1"),
  labels: map((c) => labelsOfTags(c.tags, undefined)),
  state: text((c) => c.state),
  "zone.uuid": text((c) => c.uuid),
  "zone.alias": text((c) => c.alias),
  "zone.brand": text(() => "lx"),
});
