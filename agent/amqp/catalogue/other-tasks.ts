// Tasks about images, running containers, datasets and the node (amqp-head-node.md 10.2 to 10.5).
import { z } from "zod";
import { datasetName, flag, payload, poolName, uuid, zone, zonePath } from "./fields.ts";
import { task } from "./task.ts";

export const IMAGE_TASKS = {
  image_ensure_present: task(
    "image_ensure_present",
    z.union([
      z.object({ image_uuid: uuid, zfs_storage_pool_name: poolName.optional() }),
      /** A reference of a registry, `busybox:1.36`. */
      z.object({ reference: z.string().min(1).max(512), zfs_storage_pool_name: poolName.optional() }),
    ], "neither image_uuid (a lower-case uuid) nor reference is given"), // prettier-ignore
    { class: "image_import_tasks", effect: "changes", dialectResult: "nothing" },
  ),
  image_get: task("image_get", z.object({ uuid }), { class: "image_query", effect: "reads", dialectResult: "whole" }),
};

const stream = { class: "docker_tasks", effect: "reads", dialectResult: "whole" } as const;
const logs = { Tail: z.union([z.int().min(0), z.literal("all")]).optional(), Follow: flag, Timestamps: flag };

/** Their results name an endpoint; the bytes never go over the bus. */
export const DOCKER_TASKS = {
  docker_exec: task(
    "docker_exec",
    z.object({
      uuid: zone,
      command: z.object({
        Cmd: z.array(z.string()).min(1),
        Env: z.array(z.string()).optional(),
        User: z.string().optional(),
        WorkingDir: zonePath.optional(),
        Tty: flag,
        AttachStdin: flag,
        AttachStdout: flag,
        AttachStderr: flag,
        Detach: flag,
      }),
    }),
    { ...stream, secrets: [["command"]] },
  ),
  docker_attach: task("docker_attach", z.object({ uuid: zone, stdin: flag, logs: flag }), stream),
  docker_logs: task("docker_logs", z.object({ uuid: zone, ...logs }), stream),
  docker_copy: task(
    "docker_copy",
    // Older head nodes put path and mode into a payload.
    z.preprocess(
      (raw) => {
        const outer = z
          .looseObject({ payload: z.object({ path: z.unknown(), mode: z.unknown() }) })
          .safeParse(raw).data;
        return outer === undefined ? raw : { ...outer, ...outer.payload };
      },
      z.object({ uuid: zone, path: zonePath, mode: z.enum(["read", "write", "stat"]), no_overwrite_dir: flag }),
    ),
    { ...stream, effect: "changes" },
  ),
  docker_stats: task("docker_stats", z.object({ uuid: zone, payload: payload.optional() }), stream),
};

const zfs = { class: "zfs_query", effect: "reads", dialectResult: "whole" } as const;

export const ZFS_TASKS = {
  zfs_get_properties: task(
    "zfs_get_properties",
    z.object({
      dataset: z.union([z.literal(""), datasetName]).default(""),
      properties: z.array(z.string().regex(/^[a-z][a-z0-9:._-]*$/, "not a property")).min(1).default(["all"]),
    }), // prettier-ignore
    zfs,
  ),
  zfs_list_datasets: task("zfs_list_datasets", z.object({ dataset: datasetName.optional() }), zfs),
  zfs_list_snapshots: task("zfs_list_snapshots", z.object({ dataset: datasetName.optional() }), zfs),
  zfs_list_pools: task("zfs_list_pools", z.object({}), zfs),
};

export const SERVER_TASKS = {
  server_sysinfo: task("server_sysinfo", z.object({}), {
    class: "server_tasks",
    effect: "reads",
    dialectResult: "whole",
  }),
  server_overprovision_ratio: task(
    "server_overprovision_ratio",
    z.object({
      value: z
        .union([z.string(), z.number()], "no value given")
        .transform(String)
        .refine((text) => /^\d{1,4}(\.\d{1,4})?$/.test(text), "not a ratio"),
    }), // prettier-ignore
    { class: "server_tasks", effect: "changes", dialectResult: "nothing" },
  ),
};

/** `sleep` is in seconds here; the predecessor's unit is not determined (amqp-head-node.md 10.5). */
export const TEST_TASKS = {
  nop: task("nop", z.object({ sleep: z.number().min(0).max(3600).optional(), error: z.string().optional() }), {
    class: "nop",
    effect: "reads",
    dialectResult: "nothing",
  }),
  test_subtask: task("test_subtask", z.object({ sleep: z.number().min(0).max(3600).optional() }), {
    class: "test_subtask",
    effect: "reads",
    dialectResult: "nothing",
  }),
};
