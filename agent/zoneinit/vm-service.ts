// What Triton's VM service does to a payload before a node sees it (sdc-docker.md 10.2, 17): package values, resolvers,
// the image's kernel version, its own checks. A node that is given such a payload by hand has to do the same.
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";

/** A package as PAPI has it: memory, swap and quota in MiB, `fss` any number or its text. */
export interface VmPackage {
  readonly brand?: string | undefined;
  readonly max_physical_memory: number;
  readonly max_swap: number;
  readonly max_lwps?: number | undefined;
  readonly cpu_cap?: number | undefined;
  /** MiB. */
  readonly quota: number;
  readonly vcpus?: number | undefined;
  readonly zfs_io_priority?: number | undefined;
  readonly fss?: number | string | undefined;
}

export interface PackageValues {
  readonly ram?: number;
  readonly max_physical_memory?: number;
  readonly max_swap?: number;
  readonly max_lwps?: number;
  readonly cpu_cap?: number;
  readonly cpu_shares?: number;
  /** GiB, rounded up: vmadm refuses a fraction. */
  readonly quota?: number;
  readonly vcpus?: number;
  readonly zfs_io_priority?: number;
}

/** What a client of the service is told. */
const REFUSED = { status: 409, code: "ValidationFailed" };
const SWAP_MIN_MIB = 256;
const QUOTA_GIB = 10;

/** A field the VM service refuses, with its own words. */
export interface FieldError {
  readonly field: string;
  readonly code: "Invalid" | "MissingParameter";
  readonly message?: string;
}

const number = z.number().optional();
/** The part of a VM service payload that is looked at here. */
const knownSchema = z.object({
  brand: z.string(),
  alias: z.string().optional(),
  hostname: z.string().optional(),
  dns_domain: z.string().optional(),
  kernel_version: z.string().optional(),
  billing_id: z.string().optional(),
  docker: z.union([z.boolean(), z.string()]).optional(),
  autoboot: z.union([z.boolean(), z.string()]).optional(),
  ram: number,
  max_physical_memory: number,
  max_swap: number,
  max_lwps: number,
  cpu_cap: number,
  cpu_shares: number,
  quota: number,
  vcpus: number,
  zfs_io_priority: number,
  resolvers: z.array(z.string()).optional(),
  internal_metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
/** The rest passes through. */
const vmPayloadSchema = z.looseObject(knownSchema.shape);
export type VmPayload = z.output<typeof vmPayloadSchema>;
type Known = z.output<typeof knownSchema>;
type KnownVmPayload = Readonly<Omit<Known, "resolvers">> & { readonly resolvers?: readonly string[] | undefined };

export interface PayloadContext {
  readonly package?: VmPackage | undefined;
  readonly image?: {
    /** False for an image that is disabled or not activated. */
    readonly active: boolean;
    /** Its tag `kernel_version`. */
    readonly kernelVersion?: string | undefined;
  };
  readonly nics: readonly { readonly resolvers?: readonly string[] | undefined }[];
}

/**
 * The payload as the VM service would hand it to vmadm. Raises PAYLOAD_INVALID with `details.errors`, the service's own
 * list of `{field, code, message}`; a `billing_id` whose package the caller did not find is among them. Looking packages,
 * images and names up is the caller's part.
 */
export function completeVmPayload(input: unknown, context: PayloadContext): VmPayload {
  const payload = vmPayloadSchema.parse(input);
  return { ...payload, ...vmServiceValues(payload, context) };
}

/** The same for a payload whose form is known: only what is added or changed. */
export function vmServiceValues(payload: KnownVmPayload, context: PayloadContext): Partial<Known> {
  const errors: FieldError[] = [...nameErrors(payload)];
  if (payload.max_swap !== undefined && payload.max_swap < SWAP_MIN_MIB)
    errors.push({ field: "max_swap", code: "Invalid", message: `Cannot be less than ${SWAP_MIN_MIB}` });
  if (payload.billing_id !== undefined && context.package === undefined)
    errors.push({ field: "billing_id", code: "Invalid", message: `Package ${payload.billing_id} does not exist` });
  if (context.image?.active === false)
    errors.push({ field: "image_uuid", code: "Invalid", message: "Image must be active and not disabled" });
  const values =
    context.package === undefined
      ? valuesWithoutPackage(payload, errors)
      : packageToZone(context.package, payload, errors);
  const kernelVersion = payload.kernel_version ?? context.image?.kernelVersion;
  if (payload.brand === "lx" && kernelVersion === undefined)
    errors.push({ field: "kernel_version", code: "MissingParameter", message: "Required for LX zones" });
  if (errors.length > 0)
    throw new AgentError("PAYLOAD_INVALID", "Invalid VM parameters", { details: { errors, docker: REFUSED } });
  const added: Partial<Known> = {};
  for (const key of PACKAGE_KEYS) {
    const value = key === "ram" ? values.ram : (payload[key] ?? values[key]);
    if (value !== undefined) added[key] = value;
  }
  if (kernelVersion !== undefined) added.kernel_version = kernelVersion;
  if (payload.docker !== undefined) added.docker = isTrue(payload.docker);
  if (payload.autoboot !== undefined) added.autoboot = isTrue(payload.autoboot);
  return Object.assign(added, resolversOf(payload, context));
}

/** A value in the payload wins, but for `ram`, which is the package's. */
const PACKAGE_KEYS = ["ram", "max_physical_memory", "max_swap", "max_lwps", "cpu_cap", "cpu_shares", "quota", "vcpus", "zfs_io_priority"] as const; // prettier-ignore

/**
 * A package's values in vmadm's units. `cpu_shares` is the whole part of `fss`; without one, a share per 128 MiB, at
 * least 1. Absent values stay absent: vmadm's defaults hold.
 */
export function packageToZone(
  pkg: VmPackage,
  payload: { readonly brand: string },
  errors: FieldError[] = [],
): PackageValues {
  if (pkg.brand !== undefined && pkg.brand !== payload.brand)
    errors.push({
      field: "brand",
      code: "Invalid",
      message: `Package requires brand "${pkg.brand}", but brand "${payload.brand}" was specified`,
    });
  const shares =
    pkg.fss === undefined
      ? sharesOfMemory(pkg.max_physical_memory)
      : Math.floor(Number(pkg.fss === "" ? NaN : pkg.fss));
  if (Number.isNaN(shares))
    errors.push({ field: "cpu_shares", code: "Invalid", message: 'Package has invalid "fss" (cpu_shares) value' });
  return {
    ram: pkg.max_physical_memory,
    max_physical_memory: pkg.max_physical_memory,
    max_swap: pkg.max_swap,
    ...(pkg.max_lwps === undefined ? {} : { max_lwps: pkg.max_lwps }),
    ...(pkg.cpu_cap === undefined ? {} : { cpu_cap: pkg.cpu_cap }),
    cpu_shares: shares,
    quota: Math.ceil(pkg.quota / 1024),
    ...(pkg.vcpus === undefined ? {} : { vcpus: pkg.vcpus }),
    ...(pkg.zfs_io_priority === undefined ? {} : { zfs_io_priority: pkg.zfs_io_priority }),
  };
}

function valuesWithoutPackage(payload: KnownVmPayload, errors: FieldError[]): PackageValues {
  const ram = payload.ram ?? payload.max_physical_memory;
  if (ram === undefined && payload.billing_id !== undefined) return {};
  if (ram === undefined) {
    errors.push({ field: "ram", code: "MissingParameter" });
    return {};
  }
  return {
    ram,
    max_physical_memory: ram,
    max_swap: Math.max(2 * ram, SWAP_MIN_MIB),
    cpu_shares: sharesOfMemory(ram),
    quota: QUOTA_GIB,
  };
}

function sharesOfMemory(memoryMiB: number): number {
  return memoryMiB > 128 ? Math.floor(memoryMiB / 128) : 1;
}

const ALIAS = /^[a-zA-Z0-9][a-zA-Z0-9\_\.\-]*$/;
const HOST = /^[a-z0-9][a-z0-9\-]{0,62}(?:\.[a-z0-9][a-z0-9\-]{0,62})*$/i;

function nameErrors(payload: KnownVmPayload): FieldError[] {
  const rules = [
    { field: "alias", value: payload.alias, rule: ALIAS, max: 189 },
    { field: "hostname", value: payload.hostname, rule: HOST, max: 64 },
    { field: "dns_domain", value: payload.dns_domain, rule: HOST, max: 255 },
  ];
  return rules.flatMap(({ field, value, rule, max }): FieldError[] => {
    if (value === undefined) return [];
    if (!rule.test(value))
      return [{ field, code: "Invalid", message: `String does not match regexp: ${String(rule)}` }];
    if (value.length > max)
      return [{ field, code: "Invalid", message: `String is longer than maximum of ${max} characters` }];
    return [];
  });
}

/** Given ones are kept and marked; `set_resolvers: false` means none; else those of the nics, each once. */
function resolversOf(payload: KnownVmPayload, context: PayloadContext): Partial<Known> {
  if (payload.resolvers !== undefined)
    return { internal_metadata: { ...payload.internal_metadata, no_nic_resolvers: true } };
  if (payload.internal_metadata?.["set_resolvers"] === false) return {};
  return { resolvers: [...new Set(context.nics.flatMap((nic) => nic.resolvers ?? []))] };
}

function isTrue(value: boolean | string): boolean {
  return value === true || value === "true";
}
