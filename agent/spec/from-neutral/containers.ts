// From a neutral document to container specs, one for each app, in the order they are started.
import { containerSpecSchema, type ContainerSpec } from "../container-spec.ts";
import type { Given, Report } from "../formats/format.ts";
import type { Command } from "../image-defaults.ts";
import { zodProblems } from "../issues.ts";
import type { NeutralApp, NeutralDocument } from "../neutral.ts";
import type { SpecWarning } from "../problem.ts";
import type { GroupCondition, GroupPlace } from "../resolved.ts";
import type { SpecSource } from "../source.ts";
import { isContainerName } from "../../util/ids.ts";
import { tellDocumentGaps, tellGaps } from "./gaps.ts";
import { isShared, readMountInputs } from "./mounts.ts";
import { containerName, groupName } from "./names.ts";
import { startOrder } from "./order.ts";
import { convertedSource } from "./source.ts";
import { specInput } from "./spec.ts";

/** What a container made from a foreign document has beside its spec. */
export interface Converted {
  /** Exactly what the document means: Docker's reading of an empty command does not hold for every format. */
  readonly command: Command;
  readonly warnings: readonly SpecWarning[];
  readonly group?: GroupPlace;
}

export interface ConvertedContainer {
  readonly spec: ContainerSpec;
  readonly source: SpecSource;
  readonly converted: Converted;
}

/** Complains to `report` about what cannot be had; its warnings go with the container they are about, or the first. */
export function toContainers(
  document: NeutralDocument,
  source: SpecSource,
  given: Given,
  report: Report,
): ConvertedContainer[] {
  tellDocumentGaps(document, report);
  const group = groupName(document, source.name, given);
  let told = 0;
  return startOrder(document.apps).flatMap((app, order) => {
    tellGaps(app, document, report);
    const converted = toSpec(app, document, group, source, report);
    const warnings = report.warnings.slice(told);
    told = report.warnings.length;
    if (converted === undefined) return [];
    return [
      {
        ...converted,
        converted: {
          command: { entrypoint: app.entrypoint, args: app.args },
          warnings,
          ...groupPlace(app, order, document, group),
        },
      },
    ];
  });
}

/**
 * Each app is a zone of its own. A pod whose apps share one zone under a supervisor will be a second kind of place: what
 * stands here then holds for the pod, and its apps are told apart inside.
 */
function groupPlace(
  app: NeutralApp,
  order: number,
  document: NeutralDocument,
  group: string,
): { readonly group?: GroupPlace } {
  const alone = document.apps.length === 1 && !app.mounts.some((mount) => isShared(mount, document));
  // A project is a group however many services it has: its name is not that of a container. A pod of one is its container.
  if ((alone && document.format !== "compose") || !isContainerName(group)) return {};
  const after = (app.dependsOn ?? []).flatMap(({ app: name, condition }): GroupCondition[] => {
    const other = document.apps.find((candidate) => candidate.name === name);
    const container = other === undefined ? undefined : containerName(document, other, group);
    if (condition === "started" || container === undefined || !isContainerName(container)) return [];
    return [{ container, condition }];
  });
  return { group: { name: group, order, role: app.role === "init" ? "init" : "main", after } };
}

function toSpec(
  app: NeutralApp,
  document: NeutralDocument,
  group: string,
  source: SpecSource,
  report: Report,
): { readonly spec: ContainerSpec; readonly source: SpecSource } | undefined {
  const { volumes, files, tmpfs, origins } = readMountInputs(app, document, group, report);
  const name = containerName(document, app, group);
  const input = {
    ...(name === undefined ? {} : { name }),
    image: imageReference(app),
    ...specInput(app, document),
    ...lenders(app, document, group),
    ...(volumes.length === 0 ? {} : { volumes }),
    ...(tmpfs === undefined ? {} : { tmpfs }),
    ...(files.length === 0 ? {} : { files }),
  };
  const labels = document.format === "compose" ? composeLabels(app, group) : {};
  const own = convertedSource(source, app, input, origins);
  const parsed = containerSpecSchema.safeParse(input);
  if (parsed.success) return { spec: { ...parsed.data, labels: { ...parsed.data.labels, ...labels } }, source: own };
  // A missing image has been told already.
  const issues = parsed.error.issues.filter((issue) => app.image !== null || issue.path[0] !== "image");
  report.add(zodProblems(containerSpecSchema, own, issues));
  return undefined;
}

function lenders(app: NeutralApp, document: NeutralDocument, group: string): { readonly volumesFrom?: string[] } {
  if (app.volumesFrom === undefined) return {};
  const list = app.volumesFrom.flatMap(({ kind, name, readOnly }) => {
    const other = document.apps.find((candidate) => candidate.name === name);
    const container = kind === "container" || other === undefined ? name : containerName(document, other, group);
    return container === undefined ? [] : [`${container}${readOnly ? ":ro" : ""}`];
  });
  return { volumesFrom: list };
}

/** An App Container image's version is what a registry calls tag. */
function imageReference({ image, imageLabels }: NeutralApp): string {
  const version = imageLabels?.["version"];
  if (image === null || version === undefined || /[:@]/.test(image.split("/").at(-1) ?? "")) return image ?? "";
  return `${image}:${version}`;
}

/** As Compose's own tools set them. */
function composeLabels(app: NeutralApp, group: string): Record<string, string> {
  return { "com.docker.compose.project": group, "com.docker.compose.service": app.name ?? "" };
}
