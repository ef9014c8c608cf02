// `key=value` and `key=~regex` of list and lookup (vmadm.md 3.4); pure.
import { isObject } from "../plain-object.ts";
import { textOf, type Payload } from "./json-text.ts";
import { canonicalMac } from "./nics.ts";
import { COLUMNS } from "./properties.ts";
import { VmError } from "./vm-error.ts";

export interface Filter {
  readonly key: string;
  readonly test: (value: string) => boolean;
}

const NIC_KEYS = ["dhcp_server", "gateway", "interface", "ip", "mac", "model", "netmask", "nic_tag", "vlan_id"];
const FLAT = ["tags", "customer_metadata", "internal_metadata"];

/** Raises VmError for a key that cannot be filtered by; there is no negation. */
export function parseFilters(words: readonly string[], command: "list" | "lookup"): Filter[] {
  return words.map((word) => {
    const equals = word.indexOf("=");
    const key = equals < 0 ? word : word.slice(0, equals);
    const kind = command === "list" ? "filter" : "lookup";
    if (equals < 0 || !isFilterKey(key)) throw new VmError(`Invalid ${kind} key: "${key}"`);
    const wanted = word.slice(equals + 1);
    if (wanted.startsWith("~")) {
      const pattern = new RegExp(wanted.slice(1), "i");
      return { key, test: (value) => pattern.test(value) };
    }
    const exact = /^nics\.(\d+|\*)\.mac$/.test(key) ? canonicalMac(wanted) : wanted;
    return { key, test: (value) => value === exact };
  });
}

function isFilterKey(key: string): boolean {
  if (Object.hasOwn(COLUMNS, key)) return true;
  const [head = "", index = "", field = "", ...more] = key.split(".");
  if (FLAT.includes(head)) return index !== "";
  if (!/^(\d+|\*)$/.test(index) || more.length > 0) return false;
  if (head === "nics") return NIC_KEYS.includes(field);
  return head === "disks" && field !== "";
}

export function matchesAll(vm: Payload, filters: readonly Filter[]): boolean {
  return filters.every((filter) => valuesAt(vm, filter.key).some((value) => filter.test(textOf(value))));
}

/** A key's values: several with `*`, none where absent. Keys with further dots match nothing. */
export function valuesAt(vm: Payload, key: string): unknown[] {
  const parts = key.split(".");
  const [head = "", second = "", third] = parts;
  const value = vm[head];
  if (parts.length === 1) return value === undefined || value === null ? [] : [value];
  if (parts.length === 2) return present(isObject(value) ? value[second] : undefined);
  if (parts.length > 3 || third === undefined || !Array.isArray(value)) return [];
  const elements: readonly unknown[] = value;
  const chosen = second === "*" ? elements : [elements[Number(second)]];
  return chosen.flatMap((element) => present(isObject(element) ? element[third] : undefined));
}

function present(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : [value];
}
