// The attributes of a service that mean something here. Attributes with a decision only (decisions.ts) may hold anything.
import { z } from "zod";
import { byteSize, duration, listOrOne, text } from "../../fields.ts";
import { DROPPED, NAMESPACES, REFUSED, WARNED } from "./decisions.ts";
import { fileReferences, tmpfsList, volumeList } from "./mounts.ts";
import { exposeList, portList } from "./ports.ts";
import { addresses, commandLine, cpus, flag, hostAddresses, nameValues, scalar, whole } from "./values.ts";

const anything = z.unknown().optional();

const condition = z.enum(["service_started", "service_healthy", "service_completed_successfully"]);

const healthcheck = z.strictObject({
  test: z.union([text, z.array(text)]).optional(),
  interval: duration.optional(),
  timeout: duration.optional(),
  start_period: duration.optional(),
  start_interval: duration.optional(),
  retries: whole(0, 1_000_000).optional(),
  disable: flag.optional(),
});

const resources = z.strictObject({
  limits: z
    .strictObject({ cpus: cpus.optional(), memory: byteSize.optional(), pids: whole(-1).optional(), devices: anything })
    .optional(),
  reservations: z
    .strictObject({
      cpus: cpus.optional(),
      memory: byteSize.optional(),
      devices: anything,
      generic_resources: anything,
    })
    .optional(),
});

const deploy = z.strictObject({
  mode: z.enum(["replicated", "global", "replicated-job", "global-job"]).optional(),
  replicas: whole(0).optional(),
  resources: resources.optional(),
  restart_policy: z
    .strictObject({
      condition: z.enum(["none", "on-failure", "any"]).optional(),
      delay: duration.optional(),
      max_attempts: whole(0, 1_000_000).optional(),
      window: duration.optional(),
    })
    .optional(),
  labels: anything,
  placement: anything,
  update_config: anything,
  rollback_config: anything,
  endpoint_mode: anything,
});

const serviceNetwork = z.strictObject({
  aliases: z.array(text).optional(),
  ipv4_address: text.optional(),
  ipv6_address: anything,
  link_local_ips: anything,
  mac_address: anything,
  interface_name: anything,
  priority: anything,
  gw_priority: anything,
  driver_opts: anything,
});

const restart = z.union([z.literal(false), text]).transform((value, ctx) => {
  const match = /^(no|always|unless-stopped|on-failure)(?::(\d{1,9}))?$/.exec(value === false ? "no" : value);
  const policy = z.enum(["no", "always", "unless-stopped", "on-failure"]).safeParse(match?.[1]);
  if (match && policy.success && (match[2] === undefined || policy.data === "on-failure"))
    return { policy: policy.data, maxRetries: match[2] === undefined ? null : Number(match[2]) };
  ctx.addIssue({
    code: "custom",
    message: `${JSON.stringify(value)} is not allowed; use one of no, always, on-failure, on-failure:N, unless-stopped`,
  });
  return z.NEVER;
});

const pullPolicy = z
  .string()
  .regex(
    /^(always|never|missing|if_not_present|build|daily|weekly|every_\d{1,6}[smhdw].*)$/,
    "must be one of always, never, missing, if_not_present, build, daily, weekly, every_<duration>",
  );

export const serviceSchema = z.strictObject({
  image: text.min(1, "must not be empty").optional(),
  build: anything,
  command: commandLine.optional(),
  entrypoint: commandLine.optional(),
  environment: nameValues.optional(),
  env_file: listOrOne(
    z.union([text, z.strictObject({ path: text, required: flag.optional(), format: text.optional() })]),
  ).optional(),
  user: scalar.optional(),
  group_add: z.array(scalar).optional(),
  working_dir: text.optional(),
  hostname: text.optional(),
  domainname: text.optional(),
  container_name: text.optional(),
  labels: nameValues.optional(),
  annotations: nameValues.optional(),
  ports: portList.optional(),
  expose: exposeList.optional(),
  volumes: volumeList.optional(),
  volumes_from: z
    .array(text.regex(/^(?:container:)?[^:]+(?::(?:ro|rw))?$/, "must be SERVICE[:ro] or container:NAME[:ro]"))
    .optional(),
  tmpfs: tmpfsList.optional(),
  configs: fileReferences.optional(),
  secrets: fileReferences.optional(),
  mem_limit: byteSize.optional(),
  mem_reservation: byteSize.optional(),
  memswap_limit: z.union([z.literal([-1, "-1"]).transform(() => -1), byteSize]).optional(),
  cpus: cpus.optional(),
  cpu_quota: whole(0).optional(),
  cpu_period: whole(1000, 1_000_000).optional(),
  cpu_shares: whole(0, 262_144).optional(),
  pids_limit: whole(-1).optional(),
  deploy: deploy.optional(),
  scale: whole(0).optional(),
  restart: restart.optional(),
  depends_on: z
    .union([
      z.array(text),
      z.record(
        text,
        z
          .strictObject({ condition: condition.optional(), required: flag.optional(), restart: flag.optional() })
          .nullable(),
      ),
    ])
    .optional(),
  healthcheck: healthcheck.optional(),
  stop_grace_period: duration.optional(),
  stop_signal: scalar.optional(),
  dns: addresses.optional(),
  dns_search: listOrOne(text).optional(),
  extra_hosts: hostAddresses.optional(),
  logging: z.strictObject({ driver: text.optional(), options: z.record(text, scalar).optional() }).optional(),
  network_mode: text.optional(),
  networks: z.union([z.array(text), z.record(text, serviceNetwork.nullable())]).optional(),
  profiles: z.array(text).optional(),
  extends: anything,
  platform: text.optional(),
  pull_policy: pullPolicy.optional(),
  tty: flag.optional(),
  stdin_open: flag.optional(),
  ...Object.fromEntries(
    [...Object.keys(WARNED), ...Object.keys(REFUSED), ...NAMESPACES, ...DROPPED].map((key) => [key, anything]),
  ),
});

export type Service = z.output<typeof serviceSchema>;

/** Maps whose keys are the document's own: `x-…` and null mean something in them. */
const FREE_KEYS = new Set([
  "environment",
  "labels",
  "annotations",
  "sysctls",
  "extra_hosts",
  "options",
  "driver_opts",
  "storage_opt",
  "networks",
  "depends_on",
  "args",
]);

/** A service without extensions (`x-…`) and without attributes that have no value. */
export function withoutExtensions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutExtensions);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !key.startsWith("x-") && inner !== null)
      .map(([key, inner]) => [key, FREE_KEYS.has(key) ? inner : withoutExtensions(inner)]),
  );
}
