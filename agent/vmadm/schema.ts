// Shapes on both sides of vmadm: strict for what we write, tolerant for what we read (vmadm.md 5, 9; vmadm-properties.json).
import { z } from "zod";
import { isUuid, isZoneUuid, type ZoneUuid } from "../util/ids.ts";

const uuid = z.string().refine(isUuid, "not a lower-case uuid");
export const zoneUuid = z.string().refine((text): text is ZoneUuid => isZoneUuid(text), "not a lower-case uuid");

/** Values of metadata and tags. Structured values are JSON inside a string (dockerinit.md 1.1). */
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const flatObject = z.record(z.string(), scalar);
const bool = z.boolean();

// ---- what we write -------------------------------------------------------------------------------------------------

const nic = z.strictObject({
  nic_tag: z.string().min(1),
  /** CIDR, `dhcp` or `addrconf`. The legacy ip/netmask pair is turned into this before it gets here. */
  ips: z.array(z.string()).min(1),
  gateways: z.array(z.string()).optional(),
  mac: z.string().optional(),
  vlan_id: z.int().min(0).max(4094).optional(),
  primary: z.literal(true).optional(),
  mtu: z.int().optional(),
  network_uuid: uuid.optional(),
  allow_ip_spoofing: bool.optional(),
  allow_dhcp_spoofing: bool.optional(),
  allow_mac_spoofing: bool.optional(),
  allow_restricted_traffic: bool.optional(),
  allowed_ips: z.array(z.string()).optional(),
});

const filesystem = z.strictObject({
  type: z.string(),
  source: z.string().min(1),
  target: z.string().min(1),
  options: z.array(z.string()).optional(),
  raw: z.string().optional(),
});

/**
 * A `vmadm create` payload for an lx container as we build it. The uuid is ours (the platform's error texts do not tell
 * the one it would choose), `autoboot` false because starting is a separate step (vmadm.md 16.14). Memory in MiB,
 * quota in GiB, cpu_cap in percent of one CPU, zlog_max_size in bytes.
 */
export const zoneManifestSchema = z.strictObject({
  uuid: zoneUuid,
  brand: z.literal("lx"),
  docker: z.literal(true).optional(),
  autoboot: z.literal(false),
  image_uuid: uuid,
  kernel_version: z.string(),
  alias: z.string().optional(),
  hostname: z.string().optional(),
  dns_domain: z.string().optional(),
  resolvers: z.array(z.string()).optional(),
  maintain_resolvers: bool.optional(),
  owner_uuid: uuid.optional(),
  billing_id: uuid.optional(),
  max_physical_memory: z.int().positive().optional(),
  max_locked_memory: z.int().nonnegative().optional(),
  max_swap: z.int().min(256).optional(),
  max_shm_memory: z.int().nonnegative().optional(),
  max_lwps: z.int().positive().optional(),
  max_msg_ids: z.int().nonnegative().optional(),
  max_sem_ids: z.int().nonnegative().optional(),
  max_shm_ids: z.int().nonnegative().optional(),
  tmpfs: z.int().nonnegative().optional(),
  cpu_cap: z.int().nonnegative().optional(),
  cpu_shares: z.int().positive().optional(),
  zfs_io_priority: z.int().nonnegative().optional(),
  quota: z.int().nonnegative().optional(),
  zpool: z.string().optional(),
  firewall_enabled: bool.optional(),
  zlog_max_size: z.int().nonnegative().optional(),
  limit_priv: z.string().optional(),
  archive_on_delete: bool.optional(),
  indestructible_zoneroot: bool.optional(),
  nics: z.array(nic).optional(),
  filesystems: z.array(filesystem).optional(),
  routes: z.record(z.string(), z.string()).optional(),
  tags: flatObject.optional(),
  customer_metadata: flatObject.optional(),
  internal_metadata: flatObject.optional(),
  internal_metadata_namespaces: z.array(z.string()).optional(),
});
export type ZoneManifest = z.output<typeof zoneManifestSchema>;
export type ZoneNic = z.output<typeof nic>;
export type ZoneFilesystem = z.output<typeof filesystem>;

/**
 * A `vmadm update` payload. Only keys vmadm changes; whole-object keys (`tags`, `nics`, …) do not exist here because
 * vmadm ignores them silently, nor do immutable ones, which would make it wait 60 s and fail (vmadm.md 3.11).
 */
export const updatePayloadSchema = z
  .strictObject({
    alias: z.string(),
    hostname: z.string(),
    autoboot: bool,
    max_physical_memory: z.int().positive(),
    max_locked_memory: z.int().nonnegative(),
    max_swap: z.int().min(256),
    max_lwps: z.int().positive(),
    tmpfs: z.int().nonnegative(),
    cpu_cap: z.int().nonnegative(),
    cpu_shares: z.int().positive(),
    zfs_io_priority: z.int().nonnegative(),
    quota: z.int().nonnegative(),
    firewall_enabled: bool,
    zlog_max_size: z.int().nonnegative(),
    resolvers: z.array(z.string()),
    set_tags: flatObject,
    remove_tags: z.array(z.string()),
    set_internal_metadata: flatObject,
    remove_internal_metadata: z.array(z.string()),
    set_customer_metadata: flatObject,
    remove_customer_metadata: z.array(z.string()),
    add_nics: z.array(nic),
    update_nics: z.array(z.looseObject({ mac: z.string() })),
    remove_nics: z.array(z.string()),
    add_filesystems: z.array(filesystem),
    remove_filesystems: z.array(z.string()),
  })
  .partial();
export type UpdatePayload = z.output<typeof updatePayloadSchema>;

const SNAPSHOT = /^[a-zA-Z0-9\-_.:%]{1,64}$/;
export const snapshotName = z.string().regex(SNAPSHOT).brand<"SnapshotName">();
export type SnapshotName = z.output<typeof snapshotName>;

// ---- what we read --------------------------------------------------------------------------------------------------

const vmNic = z.looseObject({
  interface: z.string().optional(),
  mac: z.string().optional(),
  nic_tag: z.string().optional(),
  ip: z.string().optional(),
  ips: z.array(z.string()).optional(),
  netmask: z.string().optional(),
  gateway: z.string().optional(),
  gateways: z.array(z.string()).optional(),
  vlan_id: z.number().optional(),
  primary: z.boolean().optional(),
});

/** A zone as vmadm shows it. Only what the agent uses is named; everything else passes through. */
export const vmObjectSchema = z.looseObject({
  uuid: zoneUuid,
  zonename: z.string(),
  brand: z.string(),
  state: z.string(),
  zone_state: z.string(),
  zonepath: z.string(),
  autoboot: z.boolean().optional(),
  docker: z.boolean().optional(),
  alias: z.string().optional(),
  hostname: z.string().optional(),
  image_uuid: z.string().optional(),
  create_timestamp: z.string().optional(),
  last_modified: z.string().optional(),
  max_physical_memory: z.number().optional(),
  max_swap: z.number().optional(),
  cpu_cap: z.number().optional(),
  quota: z.number().optional(),
  /** null where the zone is not booted. */
  zoneid: z.number().nullish(),
  /** Pid of init in the global zone; 4294967295 while init is gone and the zone is going down. */
  pid: z.number().optional(),
  /** ISO 8601, whole seconds; only while the zone exists in the kernel. */
  boot_timestamp: z.string().optional(),
  /** Exit code, or minus an illumos signal number; absent while running and before the first run ends. */
  exit_status: z.number().optional(),
  exit_timestamp: z.string().optional(),
  failed: z.string().optional(),
  transition_to: z.string().optional(),
  transition_expire: z.number().optional(),
  zlog_mode: z.string().optional(),
  zlog_max_size: z.number().optional(),
  nics: z.array(vmNic).optional(),
  filesystems: z
    .array(z.looseObject({ source: z.string(), target: z.string(), options: z.array(z.string()).optional() }))
    .optional(),
  tags: z.record(z.string(), scalar).default({}),
  internal_metadata: z.record(z.string(), scalar).default({}),
  customer_metadata: z.record(z.string(), scalar).default({}),
});
export type VmObject = z.output<typeof vmObjectSchema>;

const change = z.looseObject({
  prettyPath: z.string(),
  path: z.array(z.union([z.string(), z.null()])),
  action: z.string(),
  oldValue: z.unknown().optional(),
  newValue: z.unknown().optional(),
});

/** One line of `vmadm events -jr` (vmadm.md 12). `ready` comes first, and again after the stream had to be restarted. */
export const vmEventSchema = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("ready"),
    date: z.string(),
    uuid: z.string(),
    vms: z.record(z.string(), vmObjectSchema),
  }),
  z.looseObject({
    type: z.literal("create"),
    date: z.string(),
    zonename: z.string(),
    uuid: z.string(),
    vm: vmObjectSchema,
  }),
  z.looseObject({
    type: z.literal("modify"),
    date: z.string(),
    zonename: z.string(),
    uuid: z.string(),
    vm: vmObjectSchema,
    changes: z.array(change),
  }),
  z.looseObject({ type: z.literal("delete"), date: z.string(), zonename: z.string(), uuid: z.string() }),
]);
export type VmEvent = z.output<typeof vmEventSchema>;
