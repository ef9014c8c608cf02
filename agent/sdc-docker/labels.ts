// Labels become tags (sdc-docker.md 11).
import { PACKAGE_LABEL } from "../spec/packages.ts";
import { DOCKER_TAG, LABEL_TAG_PREFIX } from "../zoneinit/metadata-keys.ts";
import { shown, type Members } from "./members.ts";
import { invalid } from "./refuse.ts";
import { parseTritonTag, type TagValue } from "./triton-labels.ts";

/** The image's labels, then the body's, which win. Raises one refusal with all that is wrong. */
export function labelTags(image: Members, body: Members): Record<string, TagValue> {
  const tags = new Map<string, TagValue>([[DOCKER_TAG, true]]);
  const faults: string[] = [];
  for (const labels of [image, body])
    for (const [key, value] of Object.entries(labels)) {
      if (key === PACKAGE_LABEL) continue;
      if (typeof value !== "string") faults.push(`label "${key}" value is not a string: ${shown(value)}`);
      else if (key.startsWith("triton.")) {
        const tag = parseTritonTag(key, value);
        if ("fault" in tag) faults.push(tag.fault);
        else tags.set(key, tag.value);
      } else tags.set(LABEL_TAG_PREFIX + key, value);
    }
  if (faults.length > 0) throw invalid(`invalid ${faults.length === 1 ? "label" : "labels"}: ${faults.join("; ")}`);
  return Object.fromEntries(tags);
}
