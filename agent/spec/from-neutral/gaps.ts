// What a document may ask for and a container here does not do yet, or only roughly: every such field is told.
import type { Report } from "../formats/format.ts";
import type { NeutralApp, NeutralDocument, NeutralPort } from "../neutral.ts";
import type { SpecPath } from "../problem.ts";
import { placeOf } from "./source.ts";

/** Told once for the document. */
export function tellDocumentGaps(document: NeutralDocument, report: Report): void {
  const several = document.apps.length > 1;
  const apps: SpecPath = document.apps[0]?.at.slice(0, -1) ?? [];
  if (document.skipped !== undefined && document.skipped.length > 0)
    report.warn(apps, `left out, since none of their profiles is active: ${document.skipped.join(", ")}`);
  if (!several) return;
  if (document.format === "compose")
    report.warn(apps, "every service is a zone with an address of its own: they do not find each other by name yet");
  else {
    report.warn(apps, "every container is a zone with an address of its own: localhost does not reach the others");
    if (document.sharePid === true) report.warn(apps, "the containers do not see each other's processes");
    for (const limit of ["memoryBytes", "cpuCores", "cpuShares"] as const)
      if (document[limit] !== undefined) report.warn(apps, "the limits of the pod as a whole are not enforced");
  }
}

/** Told for each app. */
export function tellGaps(app: NeutralApp, document: NeutralDocument, report: Report): void {
  const warn = (field: string, message: string): void => report.warn(placeOf(app, field), message);
  if (app.image === null) report.refuse(placeOf(app, "image"), "only images can be run: name one");
  if (app.groups !== undefined && app.groups.length > 0)
    warn("groups", "supplementary groups come from the image's group file only");
  if (app.pidsLimit !== undefined && app.pidsLimit <= 0) warn("pidsLimit", "the node's limit of threads holds");
  for (const kind of ["liveness", "readiness", "startup"] as const)
    if (app.probes?.[kind] !== undefined) warn(`probes.${kind}`, "probes are not run yet");
  const { preStart, ...later } = app.hooks ?? {};
  if (preStart !== undefined)
    report.refuse(placeOf(app, "hooks"), "nothing can be run before the container yet: do it in its entrypoint");
  if (Object.keys(later).length > 0) warn("hooks", "hooks are not run yet");
  if (app.envLate !== undefined)
    warn("envLate", `${Object.keys(app.envLate).join(", ")} would be known only later and is not set`);
  if (app.netBytesPerSecond !== undefined) warn("netBytesPerSecond", "the network is not throttled");
  if (app.annotations !== undefined || document.annotations !== undefined)
    warn("annotations", "annotations are not kept");
  if (app.limitPriv !== undefined) warn("limitPriv", "the privileges of a zone are fixed");
  if (app.imageId !== undefined) warn("imageId", "the image is looked up by its name: its id is not compared");
  if (app.dependencies !== undefined && app.dependencies.length > 0)
    warn("dependencies", "images an image depends on are not fetched");
  app.ports.forEach((port, i) => tellPort(port, placeOf(app, `ports[${i}]`), report));
}

/** Every zone has an address of its own: nothing is translated, every port is open on it. */
function tellPort(port: NeutralPort, at: SpecPath, report: Report): void {
  const opened =
    port.count === 1 ? `port ${port.container}` : `ports ${port.container}-${port.container + port.count - 1}`;
  if (port.host !== null && port.host !== 0 && (port.host !== port.container || port.hostTo !== undefined))
    report.warn(at, `ports are not translated: ${opened} of the zone's own address is open`);
  else if (port.hostIp !== null) report.warn(at, `${opened} is open on the zone's own address, not on ${port.hostIp}`);
}
