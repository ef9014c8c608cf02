// One container of a pod: an app of the neutral document.
import type { NeutralApp, NeutralPort, NeutralRestart } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import { readEnvironment } from "./environment.ts";
import { expand } from "./expand.ts";
import { readHooks, readProbes } from "./probes.ts";
import { readResources } from "./resources.ts";
import type { Container, Pod } from "./schema.ts";
import { readUser } from "./security.ts";
import { readMounts, type VolumeSource } from "./volumes.ts";

export interface PodContext {
  readonly pod: Pod;
  readonly volumes: ReadonlyMap<string, VolumeSource | undefined>;
  readonly report: Report;
}

const PROTOCOLS = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const;

export function readContainer(
  container: Container,
  kind: "containers" | "initContainers",
  index: number,
  context: PodContext,
): NeutralApp {
  const { pod, report } = context;
  const { spec } = pod;
  const path = ["spec", kind, index];
  const role = kind === "containers" ? "main" : container.restartPolicy === "Always" ? "sidecar" : "init";
  if (role === "init") checkInit(container, path, report);
  const all = [...spec.initContainers, ...spec.containers];
  const { env, late } = readEnvironment(container, all, pod, path, report);
  const mounts = readMounts(container, context.volumes, env, path, report);
  const probes = readProbes(container, path, report);
  const hooks = readHooks(container, path, report);
  const { command, args } = container;
  const stopSignal = container.lifecycle?.stopSignal;
  return {
    at: path,
    places: {
      ...PLACES(path),
      ...Object.fromEntries(mounts.map((mount, i) => [`mounts[${i}]`, mount.path])),
      ...Object.fromEntries(container.ports.map((_, i) => [`ports[${i}]`, [...path, "ports", i]])),
    },
    name: container.name,
    image: container.image,
    entrypoint: command?.map((word, i) => expand(word, env, [...path, "command", i], report)) ?? null,
    args:
      args?.map((word, i) => expand(word, env, [...path, "args", i], report)) ?? (command === undefined ? null : []),
    env,
    cwd: container.workingDir ?? null,
    cpuShares: null,
    ...readResources(container, path, report),
    ...readUser(container, spec, path, report),
    ports: readPorts(container, path, report),
    mounts: mounts.map(({ mount }) => mount),
    restart: readRestart(container, role, spec.restartPolicy ?? "Always"),
    labels: {},
    hostname: null,
    role,
    ...(Object.keys(late).length === 0 ? {} : { envLate: late }),
    ...(probes === undefined ? {} : { probes }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(container.stdin ? { stdin: true } : {}),
    ...(container.tty ? { tty: true } : {}),
  };
}

/** Where the fields stand, those of the pod included. */
const PLACES = (path: SpecPath): Record<string, SpecPath> => ({
  name: [...path, "name"],
  image: [...path, "image"],
  entrypoint: [...path, "command"],
  args: [...path, "args"],
  env: [...path, "env"],
  envLate: [...path, "env"],
  user: [...path, "securityContext", "runAsUser"],
  groups: ["spec", "securityContext", "supplementalGroups"],
  cwd: [...path, "workingDir"],
  memoryBytes: [...path, "resources", "limits", "memory"],
  cpuCores: [...path, "resources", "limits", "cpu"],
  diskBytes: [...path, "resources", "limits", "ephemeral-storage"],
  restart: ["spec", "restartPolicy"],
  hostname: ["spec", "hostname"],
  labels: ["metadata", "labels"],
  annotations: ["metadata", "annotations"],
  dns: ["spec", "dnsConfig", "nameservers"],
  dnsSearch: ["spec", "dnsConfig", "searches"],
  extraHosts: ["spec", "hostAliases"],
  stopSignal: [...path, "lifecycle", "stopSignal"],
  stopTimeoutMs: ["spec", "terminationGracePeriodSeconds"],
  "probes.liveness": [...path, "livenessProbe"],
  "probes.readiness": [...path, "readinessProbe"],
  "probes.startup": [...path, "startupProbe"],
  hooks: [...path, "lifecycle"],
  tty: [...path, "tty"],
  stdin: [...path, "stdin"],
});

/** Whoever runs to its end is neither asked for its health nor told that it started. */
function checkInit(container: Container, path: SpecPath, report: Report): void {
  for (const key of ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const)
    if (container[key] !== undefined)
      report.complain([...path, key], "is for init containers with restartPolicy Always only", { at: "key" });
}

function readPorts(container: Container, path: SpecPath, report: Report): NeutralPort[] {
  const names = new Set<string>();
  return container.ports.map((port, i) => {
    const at = [...path, "ports", i];
    if (port.protocol === "SCTP") report.refuse([...at, "protocol"], "SCTP cannot be had in a zone");
    if (port.name !== undefined && names.has(port.name)) report.complain([...at, "name"], "a second port of this name");
    if (port.name !== undefined) names.add(port.name);
    return {
      container: port.containerPort,
      count: 1,
      protocol: PROTOCOLS[port.protocol ?? "TCP"],
      host: port.hostPort ?? null,
      hostIp: port.hostIP ?? null,
      name: port.name ?? null,
    };
  });
}

function readRestart(
  container: Container,
  role: "main" | "init" | "sidecar",
  podPolicy: "Always" | "OnFailure" | "Never",
): NeutralRestart {
  const inherited = role === "init" && podPolicy === "Always" ? "OnFailure" : podPolicy;
  const policy = container.restartPolicy ?? inherited;
  return { policy: ({ Always: "always", OnFailure: "on-failure", Never: "no" } as const)[policy], maxRetries: null };
}
