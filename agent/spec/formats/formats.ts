// The foreign formats that are read; the first whose keys fit decides.
import { readImageManifest } from "./appc/read-image.ts";
import { readPodManifest } from "./appc/read-pod.ts";
import { readCompose } from "./compose/read.ts";
import { readDockerCreate } from "./docker-create/read.ts";
import type { Format } from "./format.ts";
import { readPod } from "./kubernetes/read.ts";
import { readOciRuntime } from "./oci-runtime/read.ts";

export const FOREIGN_FORMATS: readonly Format[] = [
  {
    name: "compose",
    title: "Docker Compose file",
    detect: (document) => Object.hasOwn(document, "services"),
    read: readCompose,
  },
  {
    name: "k8s-pod",
    title: "Kubernetes object",
    detect: (d) => Object.hasOwn(d, "apiVersion") && Object.hasOwn(d, "kind"),
    read: readPod,
  },
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
  {
    name: "oci-runtime",
    title: "OCI runtime configuration",
    detect: (d) => Object.hasOwn(d, "ociVersion"),
    read: readOciRuntime,
  },
  {
    name: "docker-create",
    title: "Docker create request",
    detect: (d) => Object.hasOwn(d, "HostConfig") || Object.hasOwn(d, "Image"),
    read: readDockerCreate,
  },
];
