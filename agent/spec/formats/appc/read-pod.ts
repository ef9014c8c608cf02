// App Container pod manifests (container-specs.md 6).
import { z } from "zod";
import { text } from "../../fields.ts";
import type { NeutralApp, NeutralDocument } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { SpecSource } from "../../source.ts";
import type { FormatReader, Report } from "../format.ts";
import { absentable, flag, listOf, mapOf, semanticVersion } from "../go-json.ts";
import { parseOpen } from "../open-document.ts";
import { appSchema, FROM_IMAGE, readApp } from "./app.ts";
import { isolators, readIsolators } from "./isolators.ts";
import { podPorts, publishPorts } from "./pod-ports.ts";
import { acIdentifier, acName, annotations, complainOfRepeats, imageId, imageLabels, isRunnable } from "./values.ts";
import { mounts, readMounts, volume, type Volume } from "./volumes.ts";

const podApp = z.object({
  name: acName,
  // Templates may lack the id; a manifest to be run must not.
  image: z.object({ id: imageId, name: absentable(acIdentifier), labels: imageLabels }),
  app: absentable(appSchema),
  readOnlyRootFS: flag,
  mounts,
  annotations,
});

const podManifest = z
  .object({
    acKind: z.literal("PodManifest"),
    acVersion: semanticVersion,
    apps: z.array(podApp).min(1, "must name at least one app"),
    volumes: listOf(volume),
    isolators,
    annotations,
    ports: podPorts,
    userAnnotations: mapOf(text),
    userLabels: mapOf(text),
  })
  .check(({ value, issues }) => {
    const repeats = (key: "apps" | "volumes", what: string): void => {
      complainOfRepeats(value[key], what, (i, message) => {
        issues.push({ code: "custom", input: value, path: [key, i, "name"], message });
      });
    };
    repeats("apps", "app");
    repeats("volumes", "volume");
  });

export const readPodManifest: FormatReader = (source, _given, report): NeutralDocument | undefined => {
  const pod = parseOpen(podManifest, source, report);
  if (pod === undefined) return undefined;
  const apps = pod.apps.map((app, i) => readPodApp(app, ["apps", i], pod.volumes, source, report));
  const limits = readIsolators(pod.isolators, { kind: "pod", path: ["isolators"], owner: ["pod"] }, source, report);
  const published = publishPorts(pod.ports, apps, report);
  const all = { ...pod.userAnnotations, ...pod.annotations };
  return {
    format: "appc-pod",
    name: null,
    apps: published.apps,
    labels: pod.userLabels,
    ...(Object.keys(all).length === 0 ? {} : { annotations: all }),
    ...limits,
    ...(published.others.length === 0 ? {} : { ports: published.others }),
  };
};

function readPodApp(
  entry: z.output<typeof podApp>,
  at: SpecPath,
  volumes: readonly Volume[],
  source: SpecSource,
  report: Report,
): NeutralApp {
  const { app, image } = entry;
  if (!isRunnable(image.labels))
    report.refuse([...at, "image", "labels"], "an LX zone runs images for linux and amd64 or i386 only");
  if (entry.readOnlyRootFS) report.warn([...at, "readOnlyRootFS"], "the root file system of a zone is writable");
  const fields = app === undefined ? FROM_IMAGE : readApp(app, [...at, "app"], source, report);
  const all = { ...fields.annotations, ...entry.annotations };
  return {
    ...fields,
    at,
    places: placesOf(at),
    name: entry.name,
    image: image.name ?? null,
    mounts: readMounts(entry.mounts, app, volumes, at, report),
    restart: { policy: "no", maxRetries: null },
    hostname: null,
    imageId: image.id,
    imageLabels: image.labels,
    ...(Object.keys(all).length === 0 ? {} : { annotations: all }),
  };
}

function placesOf(at: SpecPath): Record<string, SpecPath> {
  const app = [...at, "app"];
  return {
    name: [...at, "name"],
    image: [...at, "image"],
    imageId: [...at, "image", "id"],
    annotations: [...at, "annotations"],
    entrypoint: [...app, "exec"],
    env: [...app, "environment"],
    user: [...app, "user"],
    cwd: [...app, "workingDirectory"],
    ports: [...app, "ports"],
    mounts: [...at, "mounts"],
    memoryBytes: [...app, "isolators"],
    cpuCores: [...app, "isolators"],
    cpuShares: [...app, "isolators"],
    labels: [...app, "userLabels"],
    groups: [...app, "supplementaryGIDs"],
    hooks: [...app, "eventHandlers"],
  };
}
