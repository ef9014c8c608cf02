// A vmadm manifest as people have them in files: checked as far as that goes without the platform. vmadm drops what it
// does not know without a word; here an unknown key is an error. `image` may stand for `image_uuid`.
import { z } from "zod";
import { zodProblems, type ForeignWords } from "./issues.ts";
import { macAddress } from "./fields.ts";
import type { SpecPath, SpecProblem } from "./problem.ts";
import {
  rawAddresses,
  rawBoolean,
  rawFlatObject,
  rawInteger,
  rawIPv4,
  rawList,
  rawText,
  rawUuid,
} from "./raw-fields.ts";
import { rawMetadata } from "./raw-metadata.ts";
import { problemAt, type SpecSource } from "./source.ts";

const rawNic = z
  .strictObject({
    nic_tag: rawText.min(1),
    interface: rawText.optional(),
    ip: rawText.optional(),
    netmask: rawText.optional(),
    gateway: rawIPv4.optional(),
    ips: rawList.optional(),
    gateways: rawList.optional(),
    mac: macAddress.optional(),
    model: rawText.optional(),
    vlan_id: rawInteger(0, 4094).optional(),
    primary: rawBoolean.refine((primary) => primary, "must be true or absent").optional(),
    mtu: rawInteger(1500, 9000).optional(),
    network_uuid: rawUuid.optional(),
    allow_ip_spoofing: rawBoolean.optional(),
    allow_dhcp_spoofing: rawBoolean.optional(),
    allow_mac_spoofing: rawBoolean.optional(),
    allow_restricted_traffic: rawBoolean.optional(),
    allowed_ips: rawList.optional(),
  })
  .transform((nic, ctx) => ({ ...nic, ...nicAddresses(nic, ctx) }));

const rawFilesystem = z.strictObject({
  type: z.literal("lofs").default("lofs"),
  source: rawText.regex(
    /^\/|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    "must be an absolute path, or a uuid for a new volume",
  ),
  target: rawText.regex(/^\/./, "must be an absolute path"),
  options: rawList.optional(),
});

const rawManifestSchema = z.strictObject({
  uuid: rawUuid.optional(),
  zonename: rawUuid.optional(),
  brand: z.enum(["lx"]),
  docker: rawBoolean.optional(),
  autoboot: rawBoolean.optional(),
  image: rawText.min(1).optional(),
  image_uuid: rawUuid.optional(),
  dataset_uuid: rawUuid.optional(),
  kernel_version: rawText.regex(/^\d+\.\d+(\.\d+)?$/, "must look like 4.3.0").optional(),
  alias: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/, "must be 1 to 63 letters, digits, `_`, `.` or `-`")
    .optional(),
  hostname: rawText.optional(),
  dns_domain: rawText.optional(),
  resolvers: rawAddresses.optional(),
  maintain_resolvers: rawBoolean.optional(),
  owner_uuid: rawUuid.optional(),
  billing_id: rawUuid.optional(),
  ram: rawInteger(1).optional(),
  max_physical_memory: rawInteger(1).optional(),
  max_locked_memory: rawInteger(0).optional(),
  max_swap: rawInteger(256).optional(),
  max_shm_memory: rawInteger(0).optional(),
  max_lwps: rawInteger(1).optional(),
  max_msg_ids: rawInteger(0).optional(),
  max_sem_ids: rawInteger(0).optional(),
  max_shm_ids: rawInteger(0).optional(),
  tmpfs: rawInteger(0).optional(),
  cpu_cap: rawInteger(0).optional(),
  cpu_shares: rawInteger(1).optional(),
  zfs_io_priority: rawInteger(0).optional(),
  quota: rawInteger(0).optional(),
  zpool: rawText.optional(),
  firewall_enabled: rawBoolean.optional(),
  zlog_max_size: rawInteger(0).optional(),
  archive_on_delete: rawBoolean.optional(),
  indestructible_zoneroot: rawBoolean.optional(),
  nowait: rawBoolean.optional(),
  init_name: rawText
    .refine((value) => value === "/native/usr/vm/sbin/dockerinit", "must not be set but to what docker: true implies")
    .optional(),
  restart_init: rawBoolean.refine((value) => !value, "must not be set but to what docker: true implies").optional(),
  nics: z.array(rawNic).optional(),
  filesystems: z.array(rawFilesystem).optional(),
  routes: z.record(z.string(), rawText).optional(),
  tags: rawFlatObject.optional(),
  customer_metadata: rawFlatObject.optional(),
  internal_metadata: rawMetadata.optional(),
  internal_metadata_namespaces: rawList.optional(),
});

/** Memory in MiB, quota in GiB, cpu_cap in percent, as vmadm has them. Booleans and numbers are no longer text. */
export type RawManifest = z.output<typeof rawManifestSchema>;
export type RawNic = NonNullable<RawManifest["nics"]>[number];

const NEVER = "must not be set by a manifest";
const READ_ONLY = "is what vmadm reports, not something it takes";
const HVM = "is for virtual machines and would be dropped for a zone";
const NOT_PASSED = "is not supported by this agent";

const RAW_WORDS: ForeignWords = {
  synonyms: {
    memory: "max_physical_memory",
    name: "alias",
    swap: "max_swap",
    networks: "nics",
    metadata: "internal_metadata",
  },
  refused: {
    limit_priv: NEVER,
    fs_allowed: NEVER,
    delegate_dataset: NEVER,
    indestructible_delegated: NEVER,
    state: READ_ONLY,
    zone_state: READ_ONLY,
    zoneid: READ_ONLY,
    zonepath: READ_ONLY,
    create_timestamp: READ_ONLY,
    last_modified: READ_ONLY,
    boot_timestamp: READ_ONLY,
    exit_status: READ_ONLY,
    exit_timestamp: READ_ONLY,
    server_uuid: READ_ONLY,
    zlog_mode: READ_ONLY,
    pid: READ_ONLY,
    vcpus: HVM,
    disks: HVM,
    disk_driver: HVM,
    nic_driver: HVM,
    dhcp_server: "is called allow_dhcp_spoofing today",
    firewall_rules: NOT_PASSED,
    mdata_exec_timeout: "has no effect on lx zones",
    zfs_data_compression: NOT_PASSED,
    zfs_data_recsize: NOT_PASSED,
    do_not_inventory: NOT_PASSED,
    package_name: NOT_PASSED,
    package_version: NOT_PASSED,
    zfs_root_compression: NOT_PASSED,
    zfs_root_recsize: NOT_PASSED,
    zfs_snapshot_limit: NOT_PASSED,
    zfs_filesystem_limit: NOT_PASSED,
    networks: 'is for the VM service of a head node; write "nics"',
  },
};

/** The manifest, or undefined with the problems added to `problems`. */
export function readRawManifest(source: SpecSource, problems: SpecProblem[]): RawManifest | undefined {
  const placeholders = findPlaceholders(source.value, []);
  const found: SpecProblem[] = placeholders.map(({ path, text }) =>
    problemAt(source, path, `${text} is a placeholder: put your own value here`),
  );
  const told = new Set(found.map((problem) => problem.path));
  const parsed = rawManifestSchema.safeParse(source.value);
  if (parsed.success) {
    const manifest = parsed.data;
    if (manifest.image_uuid !== undefined && manifest.image !== undefined)
      found.push(problemAt(source, ["image"], 'say either "image" or "image_uuid"', { at: "key" }));
    if (manifest.image_uuid === undefined && manifest.image === undefined && manifest.dataset_uuid === undefined)
      found.push(problemAt(source, [], 'image_uuid is required (or "image" with a reference)'));
    if (manifest.zonename !== undefined && manifest.zonename !== manifest.uuid)
      found.push(problemAt(source, ["zonename"], "must be left out: it is always the uuid"));
    (manifest.filesystems ?? []).forEach((fs, i) => {
      if (fs.target.includes("/../") || fs.target.endsWith("/.."))
        found.push(problemAt(source, ["filesystems", i, "target"], "must not contain .."));
    });
  } else {
    const more = zodProblems(rawManifestSchema, source, parsed.error.issues, RAW_WORDS);
    // A list is checked as a whole, so its placeholder would be told twice.
    found.push(...more.filter((p) => ![...told].some((path) => path === p.path || path.startsWith(`${p.path}[`))));
  }
  problems.push(...found);
  if (found.length > 0 || !parsed.success) return undefined;
  const { image_uuid = parsed.data.dataset_uuid, ...rest } = parsed.data;
  return { ...rest, image_uuid };
}

function findPlaceholders(value: unknown, path: SpecPath): { path: SpecPath; text: string }[] {
  if (typeof value === "string") return /^<[^<>]+>$/.test(value.trim()) ? [{ path, text: value }] : [];
  if (Array.isArray(value)) return value.flatMap((item, i) => findPlaceholders(item, [...path, i]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => findPlaceholders(inner, [...path, key]));
}

interface NicInput {
  readonly ip?: string | undefined;
  readonly netmask?: string | undefined;
  readonly gateway?: string | undefined;
  readonly ips?: readonly string[] | undefined;
  readonly gateways?: readonly string[] | undefined;
}

/** `ip`/`netmask`/`gateway` as `ips`/`gateways` (vmadm.md 8.1). */
function nicAddresses(nic: NicInput, ctx: z.RefinementCtx): { ips: string[]; gateways?: string[] } {
  const complain = (key: string, message: string): void => ctx.addIssue({ code: "custom", path: [key], message });
  const gateways = nic.gateways ?? (nic.gateway === undefined ? undefined : [nic.gateway]);
  for (const gateway of gateways ?? [])
    if (!rawIPv4.safeParse(gateway).success) complain("gateways", `${JSON.stringify(gateway)} is not an IPv4 address`);
  const rest = gateways === undefined ? {} : { gateways: [...gateways] };
  if (nic.ips !== undefined) {
    for (const ip of nic.ips)
      if (!isNicAddress(ip)) complain("ips", `${JSON.stringify(ip)} is not an address with a prefix, dhcp or addrconf`);
    if (nic.ips.length === 0) complain("ips", "needs at least one address");
    return { ips: [...nic.ips], ...rest };
  }
  if (nic.ip === "dhcp") return { ips: ["dhcp"], ...rest };
  if (nic.ip === undefined) {
    ctx.addIssue({ code: "custom", message: "needs an address: ips, or ip and netmask, or ip: dhcp" });
    return { ips: [], ...rest };
  }
  if (!rawIPv4.safeParse(nic.ip).success) complain("ip", `${JSON.stringify(nic.ip)} is not an IPv4 address`);
  const prefix = nic.netmask === undefined ? undefined : prefixOfNetmask(nic.netmask);
  if (nic.netmask === undefined) complain("netmask", "is required for a static address");
  else if (prefix === undefined) complain("netmask", `${JSON.stringify(nic.netmask)} is not a netmask`);
  return { ips: [`${nic.ip}/${prefix ?? 0}`], ...rest };
}

/** Address with prefix of either family, or one of the two words. */
function isNicAddress(text: string): boolean {
  if (text === "dhcp" || text === "addrconf") return true;
  return z.union([z.cidrv4(), z.cidrv6()]).safeParse(text).success;
}

/** Prefix length of a dotted netmask; undefined for one with holes or no netmask at all. */
function prefixOfNetmask(netmask: string): number | undefined {
  if (!rawIPv4.safeParse(netmask).success) return undefined;
  const bits = netmask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) ? bits.replaceAll("0", "").length : undefined;
}
