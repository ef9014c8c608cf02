// Tasks about a zone (amqp-head-node.md 10.1).
import { z } from "zod";
import { flag, hardwareOnly, METADATA, payload, snapshotName, timeout, uuid, zone, poolName } from "./fields.ts";
import { task } from "./task.ts";

/** As a head node sends it: a vmadm payload, whatever else it holds rides along as it did. */
const vmadmForm = z.looseObject({
  uuid: zone,
  brand: z.string().min(1),
  alias: z.string().optional(),
  image_uuid: uuid.optional(),
  disks: z.array(z.looseObject({ image_uuid: uuid.optional() })).optional(),
  zfs_storage_pool_name: poolName.optional(),
  firewall_rules: z.array(z.looseObject({ uuid, rule: z.string() })).optional(),
});

/** Docker's body of a create request, and the name its query carries. */
const dockerForm = z.strictObject({ uuid: zone.optional(), dockerCreate: payload, name: z.string().optional() });

const specForm = z.strictObject({ uuid: zone.optional(), containerSpec: payload });

/** Which form it is follows from its keys; problems are told as that form's own. */
const create = payload.transform((raw, context) => {
  const read = (): z.ZodSafeParseResult<z.output<typeof vmadmForm | typeof dockerForm | typeof specForm>> => {
    if ("containerSpec" in raw) return specForm.safeParse(raw);
    if ("dockerCreate" in raw) return dockerForm.safeParse(raw);
    return vmadmForm.safeParse(raw);
  };
  const parsed = read();
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) context.addIssue({ code: "custom", message, path: [...path] });
  return z.NEVER;
});

const network = z.looseObject({
  subnet: z.string(),
  netmask: z.string().optional(),
  gateway: z.string().optional(),
  vlan_id: z.int().min(0).max(4094).optional(),
  resolvers: z.array(z.string()).optional(),
  routes: z.record(z.string(), z.string()).optional(),
});

const one = z.object({ uuid: zone });
const snapshot = one.extend({ snapshot_name: snapshotName });
const changes = { class: "machine_tasks", effect: "changes", dialectResult: "nothing" } as const;
const reads = { class: "machine_query", effect: "reads", dialectResult: "whole" } as const;

export const MACHINE_TASKS = {
  machine_create: task("machine_create", create, {
    class: "machine_creation",
    effect: "changes",
    call: "create",
    dialectResult: "vm",
    secrets: [...METADATA, ["dockerCreate"], ["containerSpec"]],
  }),
  machine_reprovision: task("machine_reprovision", z.looseObject({ uuid: zone, image_uuid: uuid }), {
    class: "machine_creation",
    effect: "changes",
    call: "reprovision",
    dialectResult: "vm",
    secrets: METADATA,
  }),
  machine_boot: task(
    "machine_boot",
    one.extend({
      idempotent: flag,
      update: payload.optional(),
      cdrom: hardwareOnly,
      disk: hardwareOnly,
      order: hardwareOnly,
      once: hardwareOnly,
    }),
    { ...changes, call: "start", secrets: METADATA },
  ),
  machine_shutdown: task("machine_shutdown", one.extend({ force: flag, timeout, idempotent: flag }), {
    ...changes,
    call: "stop",
  }),
  machine_reboot: task(
    "machine_reboot",
    one.extend({ force: flag, timeout, update: payload.optional(), idempotent: flag }),
    { ...changes, call: "reboot", secrets: METADATA },
  ),
  machine_kill: task(
    "machine_kill",
    one.extend({
      signal: z
        .union([z.int().min(1).max(64), z.string().regex(/^[A-Z0-9+]{1,16}$/, "not a signal")], "not a signal")
        .optional(),
      idempotent: flag,
    }),
    { ...changes, effect: "jumps", call: "kill" },
  ),
  machine_destroy: task("machine_destroy", one.extend({ include_dni: flag }), { ...changes, call: "delete" }),
  machine_update: task("machine_update", z.looseObject({ uuid: zone }), {
    ...changes,
    call: "update",
    secrets: METADATA,
  }),
  machine_update_nics: task(
    "machine_update_nics",
    z.object({ networks: z.array(network).min(1), original_network: network }),
    { ...changes, call: "update" },
  ),
  machine_create_snapshot: task("machine_create_snapshot", snapshot, { ...changes, call: "create_snapshot" }),
  machine_rollback_snapshot: task("machine_rollback_snapshot", snapshot, { ...changes, call: "rollback_snapshot" }),
  machine_delete_snapshot: task("machine_delete_snapshot", snapshot, { ...changes, call: "delete_snapshot" }),
  machine_load: task("machine_load", one.extend({ include_dni: flag }), { ...reads, call: "load" }),
  machine_info: task("machine_info", one.extend({ types: z.array(z.string().regex(/^[a-z]+$/)).optional() }), {
    ...reads,
    call: "info",
  }),
  machine_proc: task("machine_proc", one, { ...reads, class: "machine_tasks" }),
  machine_create_image: task(
    "machine_create_image",
    one.extend({
      compression: z.enum(["none", "gzip", "bzip2", "xz"]).default("none"),
      imgapi_url: z.url({ protocol: /^https?$/ }),
      manifest: z.looseObject({ uuid, name: z.string(), version: z.string() }),
      incremental: flag,
      max_origin_depth: z.int().min(2).optional(),
      prepare_image_script: z.never("would run given text, which this agent does not").optional(),
    }),
    { class: "machine_images", effect: "changes", dialectResult: "nothing" },
  ),
};
