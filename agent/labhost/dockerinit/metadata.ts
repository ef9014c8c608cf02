// What the metadata agent would answer (dockerinit.md 1.1): text for every value, nothing for missing keys, `docker:*`
// only if that namespace is served from internal_metadata.
import { asObject } from "../plain-object.ts";
import type { LabVm } from "../lab-vm.ts";

export interface Metadata {
  get(key: string): string | undefined;
}

export function zoneMetadata(vm: LabVm): Metadata {
  const namespaces = asList(vm["internal_metadata_namespaces"]);
  const internal = asObject(vm["internal_metadata"]);
  const customer = asObject(vm["customer_metadata"]);
  return {
    get(key) {
      const colon = key.indexOf(":");
      const namespace = colon < 0 ? "" : key.slice(0, colon);
      if (namespace === "sdc") return vmProperty(vm, key.slice(colon + 1));
      return asText(namespaces.includes(namespace) ? internal[key] : customer[key]);
    },
  };
}

function vmProperty(vm: LabVm, name: string): string | undefined {
  switch (name) {
    case "nics":
      return JSON.stringify(vm["nics"] ?? []);
    case "routes":
      return JSON.stringify(routeList(asObject(vm["routes"])));
    default:
      return asText(vm[name]);
  }
}

/** `{ "10.0.0.0/8": "10.1.1.1" }` as the metadata agent tells it; `nics[0]` as gateway means link-local. */
function routeList(routes: Readonly<Record<string, unknown>>): unknown[] {
  return Object.entries(routes).map(([dst, gateway]) => ({
    linklocal: /^(?:nics|macs)\[/.test(String(gateway)),
    dst,
    gateway,
  }));
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

function asList(value: unknown): unknown[] {
  if (typeof value === "string") return value.split(",");
  return Array.isArray(value) ? value : [];
}
