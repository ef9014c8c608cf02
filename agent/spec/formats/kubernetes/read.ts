// Kubernetes pods (container-specs.md 5).
import type { NeutralApp, NeutralDocument } from "../../neutral.ts";
import type { FormatReader, Report } from "../format.ts";
import { parseOpen } from "../open-document.ts";
import { readContainer, type PodContext } from "./container.ts";
import { POD_DECISIONS } from "./decisions.ts";
import { podSchema, type Pod, type PodSpec } from "./schema.ts";
import { readVolumes } from "./volumes.ts";

const GRACE_PERIOD_S = 30;
const HOST_NAME_LENGTH = 63;

export const readPod: FormatReader = (source, _given, report): NeutralDocument | undefined => {
  if (!isPod(source.value, report)) return undefined;
  const pod = parseOpen(podSchema, source, report, POD_DECISIONS);
  if (pod === undefined) return undefined;
  const { metadata, spec } = pod;
  if (spec.containers.length === 0) report.complain(["spec", "containers"], "must have at least one container");
  if (spec.os !== undefined && spec.os.name !== "linux")
    report.refuse(["spec", "os", "name"], "an LX zone runs Linux programs");
  if (spec.serviceAccountName !== undefined)
    report.warn(["spec", "serviceAccountName"], "has no effect: there is no cluster behind this node");
  checkNames(spec, report);
  const context = { pod, volumes: readVolumes(spec, report), report };
  const { annotations } = metadata;
  return {
    format: "k8s-pod",
    name: metadata.name,
    hostname: spec.hostname ?? metadata.name.slice(0, HOST_NAME_LENGTH).replace(/[-.]+$/, ""),
    labels: metadata.labels,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    apps: [...readContainers("initContainers", context), ...readContainers("containers", context)],
    stopTimeoutMs: (spec.terminationGracePeriodSeconds ?? GRACE_PERIOD_S) * 1000,
    ...(spec.shareProcessNamespace ? { sharePid: true } : {}),
    ...readResolver(spec, report),
  };
};

/** Nothing else is said about an object of another kind. */
function isPod(value: unknown, report: Report): boolean {
  const property = (key: string): unknown =>
    typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
  const [version, kind] = [property("apiVersion"), property("kind")];
  if (version === "v1" && kind === "Pod") return true;
  if (kind === "Pod") report.complain(["apiVersion"], "must be v1");
  else report.complain(["kind"], typeof kind === "string" ? `must be Pod, not ${kind}` : "must be Pod");
  return false;
}

function checkNames(spec: PodSpec, report: Report): void {
  const names = new Set<string>();
  for (const kind of ["initContainers", "containers"] as const)
    spec[kind].forEach(({ name }, i) => {
      if (names.has(name)) report.complain(["spec", kind, i, "name"], `a second container ${JSON.stringify(name)}`);
      names.add(name);
    });
}

function readContainers(kind: "initContainers" | "containers", context: PodContext): NeutralApp[] {
  return context.pod.spec[kind].map((container, i) => readContainer(container, kind, i, context));
}

function readResolver(spec: Pod["spec"], report: Report): Pick<NeutralDocument, "dns" | "dnsSearch" | "extraHosts"> {
  const { nameservers = [], searches = [] } = spec.dnsConfig ?? {};
  if (spec.dnsPolicy === "None" && nameservers.length === 0)
    report.complain(["spec", "dnsConfig", "nameservers"], "is needed with dnsPolicy None");
  const hosts = spec.hostAliases.flatMap(({ ip, hostnames }) => hostnames.map((name) => [name, ip] as const));
  return {
    ...(nameservers.length === 0 ? {} : { dns: nameservers }),
    ...(searches.length === 0 ? {} : { dnsSearch: searches }),
    ...(hosts.length === 0 ? {} : { extraHosts: Object.fromEntries(hosts) }),
  };
}
