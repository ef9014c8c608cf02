// One entry of `GET /containers/json` as the Engine writes it.
import { commandText } from "./command-text.ts";
import { mountPoints } from "./engine-mounts.ts";
import { endpoints, networkMode, primaryNic } from "./engine-networks.ts";
import type { ContainerFacts } from "./facts.ts";
import { labelsOfTags } from "./labels.ts";
import { createdSeconds, entryPorts, namesOf } from "./sdc-entry.ts";
import { dockerState, statusText } from "./status.ts";
import type { NodeSurroundings } from "./surroundings.ts";

export function engineEntry(facts: ContainerFacts, surroundings: NodeSurroundings, now: Date): Record<string, unknown> {
  const { disk } = surroundings;
  return {
    Id: facts.id,
    Names: namesOf(facts, surroundings),
    Image: facts.imageName ?? facts.imageId ?? facts.imageUuid ?? "",
    ImageID: facts.imageId ?? "",
    Command: commandText([...facts.entrypoint, ...facts.cmd]),
    Created: createdSeconds(facts),
    Ports: entryPorts(facts, surroundings, primaryNic(facts)?.address ?? "0.0.0.0"),
    ...(disk === undefined ? {} : { SizeRw: disk.written, SizeRootFs: disk.total }),
    Labels: labelsOfTags(facts.tags, surroundings.packageName),
    State: dockerState(facts),
    Status: statusText(facts, now),
    HostConfig: { NetworkMode: networkMode(facts, surroundings) },
    NetworkSettings: { Networks: endpoints(facts, surroundings) },
    Mounts: mountPoints(facts),
  };
}
