// Kinds `create` and `direct`, and the table of volume names: the head nodes' dialect of Docker.
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { refusalAnswer } from "../../agent/docker-view/refusal.ts";
import type { SdcContext } from "../../agent/sdc-docker/context.ts";
import { translateCreate } from "../../agent/sdc-docker/create.ts";
import { directPayload } from "../../agent/sdc-docker/direct.ts";
import { canonicalRule } from "../../agent/sdc-docker/firewall.ts";
import { vmServiceErrorSchema, vmServiceFailure } from "../../agent/sdc-docker/vm-service-failure.ts";
import { parseVolumeCreate } from "../../agent/sdc-docker/volume-create.ts";

const network = z.looseObject({ uuid: z.string(), name: z.string(), owner_uuids: z.array(z.string()).optional() });
const texts = z.array(z.string()).optional();
const members = z.record(z.string(), z.unknown()).optional();
const service = z.strictObject({
  defaultMaxLogSize: z.number(),
  defaultMemory: z.number(),
  enabledLogDrivers: z.array(z.string()),
  fwrule_version: z.union([z.literal(1), z.literal(2)]),
  packagePrefix: z.string(),
  externalNetwork: z.string(),
  overlay: z.object({ enabled: z.boolean(), externalPool: z.string().optional() }),
  experimental_docker_nfs_shared_volumes: z.boolean().default(false),
  experimental_docker_automount_nfs_shared_volumes: z.boolean().default(false),
});
const createInput = z.strictObject({
  create: z.unknown(),
  query: z.object({ name: z.string().optional() }).default({}),
  api_version: z.number().optional(),
  service,
  account: z.looseObject({
    uuid: z.string(),
    login: z.string().default("alice"),
    approved_for_provisioning: z.union([z.boolean(), z.string()]).default(false),
    triton_cns_enabled: z.string().optional(),
  }),
  image: z
    .looseObject({
      image_uuid: z.string(),
      os: z.string(),
      config_digest: z.string().optional(),
      docker_id: z.string().optional(),
      config: z
        .looseObject({
          Cmd: texts.nullable(),
          Entrypoint: texts.nullable(),
          Env: texts.nullable(),
          ExposedPorts: members.nullable(),
          Volumes: members.nullable(),
          WorkingDir: z.string().nullish(),
          User: z.string().nullish(),
          Labels: members.nullable(),
        })
        .default({}),
    })
    .nullable(),
  packages: z.array(
    z.looseObject({
      uuid: z.string(),
      name: z.string(),
      active: z.boolean(),
      owner_uuids: texts,
      max_physical_memory: z.number(),
      max_swap: z.number(),
      quota: z.number(),
    }),
  ),
  networks: z.object({ networks: z.array(network), pools: z.array(network), default_fabric: z.string().optional() }),
  existing_vms: z.array(z.looseObject({ uuid: z.string(), state: z.string() })).default([]),
  existing_firewall_rules: z
    .array(z.object({ uuid: z.string(), owner_uuid: z.string(), rule: z.string(), enabled: z.boolean() }))
    .default([]),
  cns_suffixes: z.array(z.string()).default([]),
  vmapi_error: vmServiceErrorSchema.optional(),
  generated_uuids: z.array(z.string()).default([]),
});

/** The request and the surroundings of a vector, as the translation takes them. */
export function createRequest(input: unknown): {
  readonly body: unknown;
  readonly context: SdcContext;
  readonly vector: z.output<typeof createInput>;
} {
  // prettier-ignore
  const vector = createInput.parse(input);
  const { service: settings, account, image } = vector;
  const uuids = [...vector.generated_uuids];
  const context: SdcContext = {
    service: {
      defaultMemoryMiB: settings.defaultMemory,
      defaultMaxLogSize: settings.defaultMaxLogSize,
      enabledLogDrivers: settings.enabledLogDrivers,
      packagePrefix: settings.packagePrefix,
      externalNetwork: settings.externalNetwork,
      overlay: settings.overlay,
      firewallVersion: settings.fwrule_version,
      sharedVolumes: settings.experimental_docker_nfs_shared_volumes,
      automountVolumes: settings.experimental_docker_automount_nfs_shared_volumes,
    },
    account: {
      uuid: account.uuid,
      login: account.login,
      approved: [true, "true"].includes(account.approved_for_provisioning),
      searchSuffixes: account.triton_cns_enabled === "true" ? vector.cns_suffixes : [],
    },
    image:
      image === null
        ? undefined
        : { uuid: image.image_uuid, os: image.os, id: image.config_digest ?? image.docker_id, config: image.config },
    packages: vector.packages,
    networks: vector.networks,
    name: vector.query.name,
    zones: vector.existing_vms,
    firewallRules: vector.existing_firewall_rules,
    newUuid: () => uuids.shift() ?? randomUUID(),
    newName: () => "some_name",
  };
  return { body: vector.create, context, vector };
}

export const SDC_CREATE_JUDGES = {
  create: (input: unknown) => {
    const { body, context, vector } = createRequest(input);
    const creation = translateCreate(body, context);
    if (vector.vmapi_error !== undefined) throw vmServiceFailure(vector.vmapi_error);
    const { payload } = creation;
    return {
      vm_payload: payload,
      firewall_rules: payload.firewall_rules,
      firewall_rules_canonical: payload.firewall_rules.map(({ rule }) => canonicalRule(rule)),
      firewall_rules_created: creation.firewallRulesCreated.map(({ rule }) => rule),
      package_filter: creation.packageFilter,
      create_body_after: creation.bodyAfter,
      response: creation.response,
    };
  },
  direct: (input: unknown) => {
    const { create, generated_uuids: uuids } = z
      .object({ create: z.unknown(), generated_uuids: z.array(z.string()) })
      .parse(input);
    const [...left] = uuids;
    return { vmadm_payload: directPayload(create, () => left.shift() ?? randomUUID()) };
  },
  "volume-create-rules": (input: unknown) => {
    const { bodies } = z.object({ bodies: z.array(z.unknown()) }).parse(input);
    return {
      results: bodies.map((body) => {
        try {
          return parseVolumeCreate(body);
        } catch (error) {
          if (!(error instanceof AgentError)) throw error;
          return { error: { ...refusalAnswer(error), message: error.message } };
        }
      }),
    };
  },
};
