// Variables of a container: texts with `$(NAME)` expanded, fields of the pod, resources.
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import { parseQuantity } from "../quantity.ts";
import { expand } from "./expand.ts";
import type { Container, Environment, Pod } from "./schema.ts";

export interface Variables {
  readonly env: Readonly<Record<string, string>>;
  /** Known only once the pod runs: name → field path. */
  readonly late: Readonly<Record<string, string>>;
}

const LATE_FIELDS = [
  ...["metadata.uid", "spec.nodeName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"],
];

const NO_STORE = "there is no store of config maps and secrets here: write the value into the document";

export function readEnvironment(
  container: Container,
  containers: readonly Container[],
  pod: Pod,
  path: SpecPath,
  report: Report,
): Variables {
  for (const [i, { configMapRef, secretRef }] of container.envFrom.entries()) {
    const at = [...path, "envFrom", i];
    if (configMapRef?.optional === true || secretRef?.optional === true) report.warn(at, NO_STORE);
    else report.refuse(at, NO_STORE);
  }
  const env: Record<string, string> = {};
  const late: Record<string, string> = {};
  for (const [i, variable] of container.env.entries()) {
    const at = [...path, "env", i];
    const { name, value, valueFrom } = variable;
    if (valueFrom === undefined) {
      env[name] = expand(value ?? "", env, [...at, "value"], report);
      continue;
    }
    if (value !== undefined) report.complain([...at, "valueFrom"], "excludes value", { at: "key" });
    const found = valueOf(valueFrom, { container, containers, pod, at: [...at, "valueFrom"], report });
    if (found === undefined) continue;
    if ("late" in found) late[name] = found.late;
    else env[name] = found.value;
  }
  return { env, late };
}

interface Lookup {
  readonly container: Container;
  readonly containers: readonly Container[];
  readonly pod: Pod;
  readonly at: SpecPath;
  readonly report: Report;
}

type Found = { readonly value: string } | { readonly late: string } | undefined;

function valueOf(from: NonNullable<Environment[number]["valueFrom"]>, lookup: Lookup): Found {
  const { report, at } = lookup;
  const given = Object.values(from).filter((source) => source !== undefined).length;
  if (given !== 1) {
    report.complain(at, "must have exactly one of fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef");
    return undefined;
  }
  if (from.fieldRef !== undefined) return fieldOf(from.fieldRef.fieldPath, lookup);
  if (from.resourceFieldRef !== undefined) return resourceOf(from.resourceFieldRef, lookup);
  const store = from.configMapKeyRef ?? from.secretKeyRef;
  if (store?.optional === true) report.warn(at, `${NO_STORE}; the variable is not set`);
  else report.refuse(at, NO_STORE);
  return undefined;
}

function fieldOf(fieldPath: string, { pod, at, report }: Lookup): Found {
  const { name, namespace, labels, annotations } = pod.metadata;
  const [, map, key = ""] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (map !== undefined) {
    const values = map === "labels" ? labels : annotations;
    return { value: Object.hasOwn(values, key) ? (values[key] ?? "") : "" };
  }
  if (fieldPath === "metadata.name") return { value: name };
  if (fieldPath === "metadata.namespace") return { value: namespace ?? "default" };
  if (fieldPath === "spec.serviceAccountName") return { value: pod.spec.serviceAccountName ?? "default" };
  if (LATE_FIELDS.includes(fieldPath)) return { late: fieldPath };
  report.complain([...at, "fieldRef", "fieldPath"], `${JSON.stringify(fieldPath)} is not a field that can be had`);
  return undefined;
}

function resourceOf(
  reference: {
    readonly containerName: string | undefined;
    readonly resource: string;
    readonly divisor: string | undefined;
  },
  { container, containers, at, report }: Lookup,
): Found {
  const path = [...at, "resourceFieldRef"];
  const { containerName, resource, divisor = "1" } = reference;
  const owner = containerName === undefined ? container : containers.find((c) => c.name === containerName);
  if (owner === undefined) {
    report.complain([...path, "containerName"], `there is no container ${JSON.stringify(containerName)}`);
    return undefined;
  }
  const [, part, name = ""] = /^(limits|requests)\.(cpu|memory|ephemeral-storage)$/.exec(resource) ?? [];
  if (part === undefined) {
    report.complain([...path, "resource"], `${JSON.stringify(resource)} is not a resource that can be had`);
    return undefined;
  }
  const { limits = {}, requests = {} } = owner.resources ?? {};
  const written = (part === "requests" ? requests[name] : undefined) ?? limits[name];
  if (written === undefined) {
    report.refuse([...path, "resource"], `the container sets no ${resource}, and the node's own is not known here`);
    return undefined;
  }
  const [amount, unit] = [written, divisor].map((quantity) => parseQuantity(quantity, 1000) ?? 0);
  return { value: String(Math.ceil((amount ?? 0) / Math.max(unit ?? 0, 1))) };
}
