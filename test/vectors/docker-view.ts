// What agent/docker-view makes of the vectors' inputs, in the vectors' own shapes: kinds `inspect`, `ps`, `lookup`, `rename`,
// `delete`, and the tables about them. Errors are thrown as they are.
import { z } from "zod";
import { requestedApiVersion } from "../../agent/docker-view/api-version.ts";
import { checkDelete } from "../../agent/docker-view/delete.ts";
import { containerFacts } from "../../agent/docker-view/facts.ts";
import { humanDuration } from "../../agent/docker-view/human-duration.ts";
import { dockerIdToUuid, networkDockerId, shortDockerId, uuidPrefix } from "../../agent/docker-view/identity.ts";
import { checkState, killSignal, stopTimeout, waitAnswer, WAIT_POLLS } from "../../agent/docker-view/life-cycle.ts";
import { queryFlag } from "../../agent/docker-view/list-query.ts";
import { sdcLookUp } from "../../agent/docker-view/look-up.ts";
import { dockerNetworks } from "../../agent/docker-view/networks.ts";
import { isRenameName, planRename } from "../../agent/docker-view/rename.ts";
import { sdcEntry } from "../../agent/docker-view/sdc-entry.ts";
import { normaliseFilters, parseFilters } from "../../agent/docker-view/sdc-filters.ts";
import { sdcInspect } from "../../agent/docker-view/sdc-inspect.ts";
import { sdcSelect } from "../../agent/docker-view/sdc-list.ts";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { parseExitRecord } from "../../agent/labhost/vm/exit-record.ts";
import { decideRestart } from "../../agent/labhost/runtime/restart-policy.ts";

const zone = z.looseObject({ uuid: z.string(), state: z.string() });
const pkg = z.looseObject({ uuid: z.string(), name: z.string() });
const rule = z.looseObject({ rule: z.string() });
const link = z.object({
  containerUuid: z.string(),
  containerName: z.string(),
  targetUuid: z.string(),
  targetName: z.string(),
  alias: z.string(),
});
const surroundings = z.object({ firewall_rules: z.array(rule), links: z.array(link) });

export type Judge = (input: unknown) => unknown;

/** By kind; a table is judged by its name. */
export const DOCKER_VIEW_JUDGES: Readonly<Record<string, Judge>> = {
  inspect: (input) => {
    const {
      vm,
      package: own,
      api_version,
      ...around
    } = surroundings.extend({ vm: zone, package: pkg.nullable(), api_version: z.number() }).parse(input);
    const [major = 0, minor = 0] = api_version.toFixed(2).split(".").map(Number);
    const context = { ...aroundOf(around), packageName: own?.name };
    return { inspect: sdcInspect(containerFacts(vm), context, { major, minor }) };
  },
  ps: (input) => {
    const vector = surroundings
      .extend({
        vms: z.array(zone),
        query: z.record(z.string(), z.string()),
        now: z.string(),
        packages: z.array(pkg),
        account_uuid: z.string(),
      })
      .parse(input);
    const { query, packages } = vector;
    const own = vector.vms.filter((vm) => vm["docker"] === true && vm["owner_uuid"] === vector.account_uuid);
    const selected = sdcSelect(
      own.map((vm) => containerFacts(vm)),
      {
        all: queryFlag(query["all"]),
        limit: query["limit"] === undefined ? undefined : Number(query["limit"]),
        before: query["before"],
        since: query["since"],
        filters: query["filters"] === undefined ? {} : parseFilters(query["filters"]),
      },
      packages,
    );
    const containers = selected.map((facts) => {
      const packageName = packages.find(({ uuid }) => uuid === facts.packageUuid)?.name;
      return sdcEntry(facts, { ...aroundOf(vector), packageName }, new Date(vector.now));
    });
    return { containers, names: containers.map(({ Names }) => z.array(z.string()).parse(Names)[0]) };
  },
  lookup: (input) => {
    const { id, vms } = z.looseObject({ id: z.string(), vms: z.array(zone) }).parse(input);
    return { uuid: sdcLookUp(id, vms.map((vm) => containerFacts(vm))).uuid }; // prettier-ignore
  },
  rename: (input) => {
    const { vm_uuid, name } = z.object({ vm_uuid: z.string(), name: z.string() }).parse(input);
    return { vm_update: planRename({ uuid: vm_uuid }, name).update };
  },
  delete: (input) => {
    const { id, force, link, vm, other_vms } = z
      .looseObject({ id: z.string(), force: z.boolean(), link: z.boolean(), vm: zone, other_vms: z.array(zone) })
      .parse(input);
    checkDelete(containerFacts(vm), other_vms.map((other) => containerFacts(other)), { reference: id, force, link }); // prettier-ignore
    return { deleted_uuid: vm.uuid };
  },

  "api-version-check": table(z.object({ path_prefix: z.array(z.string().nullable()) }), ({ path_prefix }) => ({
    results: path_prefix.map((prefix) =>
      toldOr(() => {
        const { major, minor } = requestedApiVersion(prefix ?? undefined);
        return { api_version: Number(`${major}.${minor}`) };
      }),
    ),
  })),
  "exit-status-from-lastexited": table(z.object({ lastexited: z.array(z.string()) }), ({ lastexited }) => ({
    results: lastexited.map((text) => parseExitRecord(text) ?? { error: true }),
  })),
  "human-duration": table(z.object({ seconds: z.array(z.number()) }), ({ seconds }) => ({
    text: seconds.map((length) => humanDuration(length * 1000, "sdc")),
  })),
  "id-conversions": table(
    z.object({
      docker_id_to_uuid: z.array(z.string()),
      uuid_to_short_docker_id: z.array(z.string()),
      network_uuid_to_docker_id: z.array(z.string()),
      network_id_prefix_to_uuid_prefix: z.array(z.string()),
    }),
    (input) => ({
      docker_id_to_uuid: input.docker_id_to_uuid.map(dockerIdToUuid),
      uuid_to_short_docker_id: input.uuid_to_short_docker_id.map(shortDockerId),
      network_uuid_to_docker_id: input.network_uuid_to_docker_id.map(networkDockerId),
      network_id_prefix_to_uuid_prefix: input.network_id_prefix_to_uuid_prefix.map(uuidPrefix),
    }),
  ),
  "kill-signal-parameter": table(z.object({ signals: z.array(z.string().nullable()) }), ({ signals }) => ({
    signals: signals.map((signal) => killSignal(signal ?? undefined)),
  })),
  "network-list": table(
    z.object({
      networks: z.array(
        z.looseObject({
          uuid: z.string(),
          name: z.string(),
          nic_tag: z.string(),
          fabric: z.boolean().optional(),
          subnet: z.string(),
          gateway: z.string().optional(),
          mtu: z.number().optional(),
        }),
      ),
      pools: z.array(z.looseObject({ uuid: z.string(), name: z.string(), networks: z.array(z.string()) })),
    }),
    ({ networks, pools }) => ({ networks: dockerNetworks(networks, pools) }),
  ),
  "normalise-filters": table(z.object({ filters: z.array(z.unknown()) }), ({ filters }) => ({
    filters: filters.map(normaliseFilters),
  })),
  "rename-name-rule": table(z.object({ names: z.array(z.string()) }), ({ names }) => ({
    valid: names.map(isRenameName),
  })),
  "restart-decision": table(
    z.object({
      cases: z.array(
        z.object({
          internal_metadata: z.record(z.string(), z.unknown()),
          exit_status: z.number().nullable(),
          last_runtime_ms: z.number().nullable(),
        }),
      ),
    }),
    ({ cases }) => ({
      results: cases.map((one) => {
        const restart = decideRestart(one.internal_metadata, {
          ranForMs: one.last_runtime_ms ?? undefined,
          exitStatus: one.exit_status ?? undefined,
        });
        if (restart === undefined) return { restart: false };
        return { restart: true, delay_ms: restart.delayMs, next_delay_ms: restart.delayMs * 2 };
      }),
    }),
  ),
  "state-gates": table(z.object({ states: z.array(z.string()) }), ({ states }) => ({
    top_allowed_running: states.map((state) => gate(state, "top")),
    remove_and_copy_disallow_provisioning: states.map((state) => gate(state, "copy")),
  })),
  "stop-timeout-parameter": table(
    z.object({ queries: z.array(z.object({ t: z.string().optional() })) }),
    ({ queries }) => ({
      results: queries.map(({ t }) => toldOr(() => ({ timeout: stopTimeout(t), response_status: 204 }))),
    }),
  ),
  "wait-result": table(
    z.object({
      cases: z.array(z.object({ polls: z.array(poll()).optional(), polls_all: poll().optional() })),
    }),
    ({ cases }) => ({
      bodies: cases.map(({ polls = [], polls_all }) =>
        waitAnswer(
          (polls_all === undefined ? polls : Array.from({ length: WAIT_POLLS }, () => polls_all)).map(
            ({ state, exit_status }) => ({ state, exitStatus: exit_status }),
          ),
        ),
      ),
      polls_until_giving_up: WAIT_POLLS,
    }),
  ),
};

function poll() {
  return z.object({ state: z.string(), exit_status: z.number().optional() });
}

function aroundOf({ firewall_rules, links }: z.output<typeof surroundings>) {
  return { firewallRules: firewall_rules.map((one) => one.rule), links };
}

function table<T>(shape: z.ZodType<T>, judge: (input: T) => unknown): Judge {
  return (input) => judge(shape.parse(input));
}

function gate(state: string, call: "top" | "copy"): true | string {
  try {
    checkState({ state }, call);
    return true;
  } catch (error) {
    if (error instanceof AgentError) return error.message;
    throw error;
  }
}

/** A row of a table that may be a refusal. */
function toldOr(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const { status, code } = z.object({ status: z.number(), code: z.string() }).parse(error.details["docker"]);
    return { error: { status, code, message: error.message } };
  }
}
