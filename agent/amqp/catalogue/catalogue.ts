// The task catalogue: the predecessors' names are ours, so that a head node's client needs no table. A name they had and
// we do not offer is refused with the reason, any other with what it was perhaps meant to be.
import { AgentError } from "../../errors/agent-error.ts";
import { suggest } from "../../util/suggest.ts";
import { shown } from "../topology.ts";
import { MACHINE_TASKS } from "./machine-tasks.ts";
import { DOCKER_TASKS, IMAGE_TASKS, SERVER_TASKS, TEST_TASKS, ZFS_TASKS } from "./other-tasks.ts";

export const TASKS = {
  ...MACHINE_TASKS,
  ...IMAGE_TASKS,
  ...DOCKER_TASKS,
  ...ZFS_TASKS,
  ...SERVER_TASKS,
  ...TEST_TASKS,
};

export type TaskName = keyof typeof TASKS;

/** A task with its parameters read; `task` tells which parameters it has. */
export type CatalogueTask = ReturnType<(typeof TASKS)[TaskName]["parse"]>;

const HARDWARE = "this agent runs zones, no hardware VMs";
const GIVEN_TEXT = "this agent never runs text it is given";
const AGENTS = "this agent neither installs nor updates agents";
const CHANGES_DATASETS = "this agent changes datasets only as part of a zone, an image or a volume";
const FIREWALL = "firewall rules are not this agent's";

/** Tasks of the predecessors (amqp-head-node.md 8, 10) that are not offered, and why. */
export const UNSUPPORTED_TASKS = {
  machine_screenshot: HARDWARE,
  machine_migrate: "zones are not moved by this agent",
  machine_migrate_receive: "zones are not moved by this agent",
  docker_build: "images are not built by this agent",
  command_execute: GIVEN_TEXT,
  recovery_config: "encrypted pools are the platform's",
  server_reboot: "the node is not rebooted over the bus",
  server_update_nics: "nic tags are the platform's",
  agent_install: AGENTS,
  agents_uninstall: AGENTS,
  refresh_agents: AGENTS,
  shutdown_cn_agent_update: AGENTS,
  zfs_create_dataset: CHANGES_DATASETS,
  zfs_destroy_dataset: CHANGES_DATASETS,
  zfs_rename_dataset: CHANGES_DATASETS,
  zfs_snapshot_dataset: CHANGES_DATASETS,
  zfs_rollback_dataset: CHANGES_DATASETS,
  zfs_clone_dataset: CHANGES_DATASETS,
  zfs_set_properties: CHANGES_DATASETS,
  fw_add: FIREWALL,
  fw_del: FIREWALL,
  fw_update: FIREWALL,
  meter_query: "there is no metering database",
  sleep: "use nop with sleep",
} as const satisfies Readonly<Record<string, string>>;

export function isTask(name: string): name is TaskName {
  return Object.hasOwn(TASKS, name);
}

function isUnsupported(name: string): name is keyof typeof UNSUPPORTED_TASKS {
  return Object.hasOwn(UNSUPPORTED_TASKS, name);
}

/** @throws AgentError TASK_UNSUPPORTED, TASK_UNKNOWN */
export function taskNamed(name: string): (typeof TASKS)[TaskName] {
  if (isTask(name)) return TASKS[name];
  if (isUnsupported(name)) throw new AgentError("TASK_UNSUPPORTED", `task ${name} is not offered: ${UNSUPPORTED_TASKS[name]}`); // prettier-ignore
  const meant = suggest(name, Object.keys(TASKS));
  throw new AgentError("TASK_UNKNOWN", `there is no task ${shown(name)}`, {
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  });
}

/** @throws AgentError TASK_UNSUPPORTED, TASK_UNKNOWN, TASK_PARAMS_INVALID (details: problems with their JSON path) */
export function parseTask(name: string, params: unknown): CatalogueTask {
  return taskNamed(name).parse(params);
}

const HIDDEN = "<hidden>";

/** The parameters as they may be told to others: places that can hold secrets are masked, an unknown task's are all. */
export function maskedParams(name: string, params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const secrets = isTask(name) ? (TASKS[name].secrets ?? []) : Object.keys(params).map((key) => [key]);
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, secrets.some(([first]) => first === key) ? HIDDEN : value]),
  );
}
