// The foreign formats that are read; the first whose keys fit decides.
import { readImageManifest } from "./appc/read-image.ts";
import { readPodManifest } from "./appc/read-pod.ts";
import type { Format } from "./format.ts";

export const FOREIGN_FORMATS: readonly Format[] = [
  {
    name: "appc-image",
    title: "App Container image manifest",
    detect: (d) => d["acKind"] === "ImageManifest",
    read: readImageManifest,
  },
  {
    name: "appc-pod",
    title: "App Container pod manifest",
    detect: (d) => Object.hasOwn(d, "acKind"),
    read: readPodManifest,
  },
];
