// App Container image manifests: one app, as the image describes it (container-specs.md 6).
import { z } from "zod";
import type { NeutralDocument } from "../../neutral.ts";
import type { FormatReader } from "../format.ts";
import { absentable, absolutePath, listOf, semanticVersion } from "../go-json.ts";
import { parseOpen } from "../open-document.ts";
import { appSchema, FROM_IMAGE, readApp } from "./app.ts";
import { acIdentifier, annotations, imageId, imageLabels, isRunnable } from "./values.ts";

const imageManifest = z.object({
  acKind: z.literal("ImageManifest"),
  acVersion: semanticVersion,
  name: acIdentifier,
  labels: imageLabels,
  app: absentable(appSchema),
  dependencies: listOf(
    z.object({
      imageName: acIdentifier,
      imageID: absentable(imageId),
      labels: imageLabels,
      size: absentable(z.int().min(0, "must not be negative")),
    }),
  ),
  pathWhitelist: listOf(absolutePath),
  annotations,
});

export const readImageManifest: FormatReader = (source, _given, report): NeutralDocument | undefined => {
  const manifest = parseOpen(imageManifest, source, report);
  if (manifest === undefined) return undefined;
  if (!isRunnable(manifest.labels))
    report.refuse(["labels"], "an LX zone runs images for linux and amd64 or i386 only");
  const app = manifest.app === undefined ? FROM_IMAGE : readApp(manifest.app, ["app"], source, report);
  const all = { ...app.annotations, ...manifest.annotations };
  return {
    format: "appc-image",
    name: null,
    apps: [
      {
        ...app,
        at: [],
        places: PLACES,
        name: manifest.name.slice(manifest.name.lastIndexOf("/") + 1),
        image: manifest.name,
        mounts: [],
        restart: { policy: "no", maxRetries: null },
        hostname: null,
        imageLabels: manifest.labels,
        ...(Object.keys(all).length === 0 ? {} : { annotations: all }),
        mountPoints: (manifest.app?.mountPoints ?? []).map(({ name, path, readOnly }) => ({
          name,
          target: path,
          readOnly,
        })),
        dependencies: manifest.dependencies.map((dependency) => dependency.imageName),
      },
    ],
  };
};

const PLACES = {
  image: ["name"],
  annotations: ["annotations"],
  dependencies: ["dependencies"],
  mountPoints: ["app", "mountPoints"],
  entrypoint: ["app", "exec"],
  env: ["app", "environment"],
  user: ["app", "user"],
  cwd: ["app", "workingDirectory"],
  ports: ["app", "ports"],
  memoryBytes: ["app", "isolators"],
  cpuCores: ["app", "isolators"],
  cpuShares: ["app", "isolators"],
  labels: ["app", "userLabels"],
  groups: ["app", "supplementaryGIDs"],
  hooks: ["app", "eventHandlers"],
} as const;
