// What vmadm knows of each payload key: type, bounds, which brands accept it for which action. The data is
// properties.json, cut down from the platform's own table (vmadm.md, companion file).
import data from "./properties.json" with { type: "json" };

/** Letters: create, receive, update; nested keys: add, update. */
export type Action = "c" | "r" | "u" | "a";

export interface PropertyRule {
  readonly type: "string" | "boolean" | "integer" | "list" | "flat-object" | "object-array" | "uuid" | "zpool";
  readonly min?: number;
  readonly max?: number;
  readonly validator?: "validResolver" | "validAttrValue" | "validMacAddress" | "validCID";
  /** Brand to the letters of the actions for which it takes the key. */
  readonly brands: Readonly<Record<string, string>>;
  readonly required?: Readonly<Record<string, string>>;
}

export interface BrandFeatures {
  readonly type: string;
  readonly hvm: boolean;
  readonly interfacePrefix: string;
  readonly dockerinit?: string;
  readonly imageTypes: readonly string[];
  readonly shutdownCommand: readonly string[];
  readonly rebootCommand: readonly string[];
  readonly reprovision: boolean;
}

interface Table {
  readonly properties: Readonly<Record<string, PropertyRule>>;
  readonly nested: Readonly<Record<string, PropertyRule>>;
  readonly columns: Readonly<Record<string, { readonly header: string; readonly width: number }>>;
  readonly compression: readonly string[];
}

const table = data as unknown as Table;

export const PROPERTIES = table.properties;
/** Keys of nics, filesystems, disks, as `nics.*.mac`. */
export const NESTED_PROPERTIES = table.nested;
/** What `list -o` can show: header and width. */
export const COLUMNS = table.columns;
export const COMPRESSION_VALUES = table.compression;

const SHUTDOWN_ILLUMOS = ["/usr/sbin/shutdown", "-y", "-g", "0", "-i", "5"];
const REBOOT_ILLUMOS = ["/usr/sbin/shutdown", "-y", "-g", "0", "-i", "6"];

function illumosZone(features: Partial<BrandFeatures> = {}): BrandFeatures {
  return {
    type: "OS",
    hvm: false,
    interfacePrefix: "net",
    imageTypes: ["zone-dataset"],
    shutdownCommand: SHUTDOWN_ILLUMOS,
    rebootCommand: REBOOT_ILLUMOS,
    reprovision: true,
    ...features,
  };
}

const BRANDS: Readonly<Record<string, BrandFeatures>> = {
  lx: illumosZone({
    type: "LX",
    interfacePrefix: "eth",
    dockerinit: "/native/usr/vm/sbin/dockerinit",
    imageTypes: ["docker", "lx-dataset"],
    shutdownCommand: ["/sbin/shutdown", "-h", "now"],
    rebootCommand: ["/sbin/shutdown", "-r", "now"],
  }),
  "joyent-minimal": illumosZone({ dockerinit: "/usr/vm/sbin/dockerinit" }),
  joyent: illumosZone(),
  builder: illumosZone({ reprovision: false }),
  kvm: illumosZone({ type: "KVM", hvm: true, imageTypes: ["zvol"], reprovision: false }),
  bhyve: illumosZone({ type: "BHYV", hvm: true, imageTypes: ["zvol"], reprovision: false }),
};

/** undefined: a brand the platform does not know. */
export function brandFeatures(brand: string): BrandFeatures | undefined {
  return Object.hasOwn(BRANDS, brand) ? BRANDS[brand] : undefined;
}

export function ruleFor(key: string): PropertyRule | undefined {
  return Object.hasOwn(PROPERTIES, key) ? PROPERTIES[key] : undefined;
}

export function nestedRuleFor(key: string): PropertyRule | undefined {
  return Object.hasOwn(NESTED_PROPERTIES, key) ? NESTED_PROPERTIES[key] : undefined;
}

export function accepts(rule: PropertyRule, brand: string, action: string): boolean {
  return Object.hasOwn(rule.brands, brand) && (rule.brands[brand] ?? "").includes(action);
}
