// Attributes of a service that a zone cannot honour: what becomes of each (container-specs.md 2 and 4). Asking for
// nothing (`false`, an empty list) is never worth a word.
import type { Report } from "../format.ts";
import type { SpecPath } from "../../problem.ts";

const SECURITY = "is not enforced in a zone: do not rely on it";
const NO_KNOB = "has no equivalent in a zone: it is left out";

/** Accepted with a warning. */
export const WARNED: Readonly<Record<string, string>> = {
  cap_add: "a zone has a fixed set of privileges: nothing is added",
  cap_drop: SECURITY,
  security_opt: SECURITY,
  read_only: SECURITY,
  blkio_config: NO_KNOB,
  cgroup_parent: NO_KNOB,
  cpu_count: NO_KNOB,
  cpu_percent: NO_KNOB,
  cpu_rt_period: NO_KNOB,
  cpu_rt_runtime: NO_KNOB,
  cpuset: NO_KNOB,
  credential_spec: NO_KNOB,
  develop: NO_KNOB,
  dns_opt: "options of the resolver cannot be set",
  external_links: "links do not exist: use extra_hosts",
  init: "the platform's own init runs the container",
  isolation: NO_KNOB,
  links: "links do not exist: use extra_hosts",
  mac_address: "the node gives its own",
  mem_swappiness: NO_KNOB,
  models: NO_KNOB,
  oom_kill_disable: NO_KNOB,
  oom_score_adj: NO_KNOB,
  post_start: "hooks are not run",
  pre_stop: "hooks are not run",
  runtime: NO_KNOB,
  shm_size: NO_KNOB,
  storage_opt: NO_KNOB,
  sysctls: NO_KNOB,
  ulimits: NO_KNOB,
  userns_mode: NO_KNOB,
};

/** The whole document is refused. */
export const REFUSED: Readonly<Record<string, string>> = {
  privileged: "a zone cannot be privileged",
  devices: "a zone cannot be given devices",
  gpus: "a zone cannot be given devices",
  device_cgroup_rules: "a zone cannot be given devices",
  provider: "services of other kinds than containers cannot be run",
  use_api_socket: "there is no engine socket to be handed in",
  label_file: "files beside the document are not read: write the labels into the document",
};

/** Namespaces that can only be the zone's own. */
export const NAMESPACES = ["pid", "ipc", "uts", "cgroup"] as const;
const OWN_NAMESPACE = ["private", "shareable", "none"];

/** No effect and not worth reporting. */
export const DROPPED = ["attach"] as const;

export function judgeAttributes(service: Readonly<Record<string, unknown>>, path: SpecPath, report: Report): void {
  for (const [key, value] of Object.entries(service)) {
    if (asksForNothing(value)) continue;
    const warning = Object.hasOwn(WARNED, key) ? WARNED[key] : undefined;
    const refusal = Object.hasOwn(REFUSED, key) ? REFUSED[key] : undefined;
    if (warning !== undefined) report.warn([...path, key], warning);
    if (refusal !== undefined) report.refuse([...path, key], refusal);
  }
  for (const key of NAMESPACES) {
    const value = service[key];
    if (value !== undefined && value !== "" && !(typeof value === "string" && OWN_NAMESPACE.includes(value)))
      report.refuse([...path, key], "a zone cannot share a namespace with the host or another zone");
  }
}

function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === "false") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
