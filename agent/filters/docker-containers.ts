// The filters of Docker's container list (events-and-filters.md 7.4), and which containers are listed at all.
import { AgentError } from "../errors/agent-error.ts";
import { suggest } from "../util/suggest.ts";
import type { DockerFilters } from "./docker-args.ts";

/** What the filters look at. */
export interface DockerListed {
  /** 64 hex digits. */
  readonly id: string;
  /** With its leading slash. */
  readonly name: string;
  readonly state: string;
  readonly health?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Docker's number, while it does not run. */
  readonly exitCode?: number | undefined;
  /** Milliseconds since 1970. */
  readonly createdMs?: number | undefined;
  /** Every name, id and digest of its image and of the images below it. */
  readonly ancestors?: readonly string[] | undefined;
  /** Names, sources and destinations of its volumes. */
  readonly volumes?: readonly string[] | undefined;
  readonly networks?: readonly string[] | undefined;
  /** `80/tcp`. */
  readonly published?: readonly string[] | undefined;
  readonly exposed?: readonly string[] | undefined;
}

const STATES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];
const UP = new Set(["running", "paused", "restarting"]);
const KEYS = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
];

export interface ListRequest {
  /** Also those that do not run. */
  readonly all?: boolean | undefined;
  readonly filters: DockerFilters;
}

/**
 * Those of `containers` that Docker would list, in their order.
 * @throws AgentError FILTER_INVALID for an unknown key or value
 */
export function filterContainers<T extends DockerListed>(containers: readonly T[], request: ListRequest): readonly T[] {
  const { filters } = request;
  for (const key of filters.keys()) {
    if (!KEYS.includes(key)) {
      const near = suggest(key, KEYS);
      throw new AgentError("FILTER_INVALID", `invalid filter '${key}'`, {
        hint: near === undefined ? `filters are ${KEYS.join(", ")}` : `did you mean "${near}"?`,
      });
    }
  }
  for (const status of filters.get("status")) {
    if (!STATES.includes(status))
      throw new AgentError("FILTER_INVALID", `invalid filter 'status=${status}'`, {
        hint: `a status is one of ${STATES.join(", ")}`,
      });
  }
  const all = request.all === true || filters.get("status").length > 0;
  const tests = [...plainTests(filters), ...relativeTests(filters, containers), ...portTests(filters)];
  return containers.filter((container) => (all || UP.has(container.state)) && tests.every((holds) => holds(container)));
}

type Test = (container: DockerListed) => boolean;

function plainTests(filters: DockerFilters): Test[] {
  const names = filters.matches("name");
  const codes = filters.get("exited").map((value) => {
    if (!/^-?\d+$/.test(value)) throw invalid("exited", value, "an exit code is a whole number");
    return Number(value);
  });
  const anyOf =
    (key: string, of: (c: DockerListed) => readonly string[]): Test =>
    (c) =>
      filters.get(key).length === 0 || of(c).some((text) => filters.equals(key, text));
  return [
    (c) => filters.get("name").length === 0 || names([c.name, c.name.replace(/^\//, "")]),
    (c) => filters.holdsLabels("label", c.labels),
    (c) => filters.equals("status", c.state),
    (c) => filters.equals("health", c.health ?? "none"),
    (c) => codes.length === 0 || (!UP.has(c.state) && c.exitCode !== undefined && codes.includes(c.exitCode)),
    anyOf("ancestor", (c) => c.ancestors ?? []),
    anyOf("volume", (c) => c.volumes ?? []),
    anyOf("network", (c) => c.networks ?? []),
    taskTest(filters),
  ];
}

/** There are no tasks of a swarm here, so `true` selects nothing and `false` everything. */
function taskTest(filters: DockerFilters): Test {
  const wanted = filters.get("is-task").map((value) => {
    if (value === "1" || value === "true") return true;
    if (value === "0" || value === "false") return false;
    throw invalid("is-task", value, "use true or false");
  });
  if (wanted.includes(true) && wanted.includes(false)) throw invalid("is-task", "true, false", "use one of them");
  return () => !wanted.includes(true);
}

/** Filters that name another container: `id`, `before`, `since`. */
function relativeTests(filters: DockerFilters, containers: readonly DockerListed[]): Test[] {
  const ids = filters.get("id").map((prefix) => containers.filter((c) => c.id.startsWith(prefix)));
  const found = ids.flatMap((some) => (some.length === 1 ? some : []));
  const other = (key: string): DockerListed | undefined => {
    const value = filters.get(key).at(-1);
    if (value === undefined) return undefined;
    const match = containers.find((c) => c.name.replace(/^\//, "") === value.replace(/^\//, "") || c.id === value);
    const prefixed = containers.filter((c) => c.id.startsWith(value));
    const one = match ?? (prefixed.length === 1 ? prefixed[0] : undefined);
    if (!one) throw new AgentError("CONTAINER_NOT_FOUND", `no container "${value}", which the filter "${key}" names`);
    return one;
  };
  const before = other("before");
  const since = other("since");
  return [
    (c) => ids.length === 0 || found.includes(c),
    (c) => before === undefined || (c.createdMs ?? 0) < (before.createdMs ?? 0),
    (c) => since === undefined || (c.createdMs ?? 0) > (since.createdMs ?? 0),
  ];
}

function portTests(filters: DockerFilters): Test[] {
  return (["publish", "expose"] as const).map((key) => {
    const wanted = new Set(filters.get(key).flatMap((value) => portsOf(key, value)));
    return (c) => {
      const ports = (key === "publish" ? c.published : c.exposed) ?? [];
      return wanted.size === 0 || ports.some((port) => wanted.has(port));
    };
  });
}

function portsOf(key: string, value: string): string[] {
  const [, from, to = from, protocol = "tcp"] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value) ?? [];
  const first = Number(from);
  const last = Number(to);
  if (from === undefined || first < 1 || last > 65535 || last < first)
    throw invalid(key, value, "give PORT[/PROTOCOL] or FROM-TO[/PROTOCOL]");
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}

function invalid(key: string, value: string, hint: string): AgentError {
  return new AgentError("FILTER_INVALID", `invalid filter '${key}=${value}'`, { hint });
}
