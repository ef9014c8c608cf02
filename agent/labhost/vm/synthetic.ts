import type { Payload } from "./json-text.ts";
import { brandFeatures } from "./properties.ts";

/** `type` and `ram`, which list and lookup know and get does not (vmadm.md 16.21). */
export function withSynthetic(vm: Payload): Payload {
  const features = brandFeatures(String(vm["brand"]));
  return { ...vm, type: features?.type ?? "OS", ...(features?.hvm === true ? {} : { ram: vm["max_physical_memory"] }) };
}
