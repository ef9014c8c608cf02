// The predecessor's container list: which containers, in which order (sdc-docker.md 22).
import { PACKAGE_LABEL } from "../spec/packages.ts";
import type { ContainerFacts } from "./facts.ts";
import { anyOf, type ContainerTest } from "./container-test.ts";
import { compileExpression } from "../filters/expression.ts";
import { splitLabel, type Filters } from "./sdc-filters.ts";
import { labelsOfTags } from "./labels.ts";
import { createdMs, newestFirst, type ListQuery } from "./list-query.ts";
import { isVisible, sdcLookUp } from "./look-up.ts";
import { refusal, VALIDATION } from "./refusal.ts";
import { neverRan } from "./status.ts";

export interface AccountPackage {
  readonly uuid: string;
  readonly name: string;
}

/** Docker's states by the zone's. A container that was created and never started is told by its record, not its state. */
const ZONE_STATES: Readonly<Record<string, string>> = {
  created: "provisioning",
  running: "running",
  restarting: "restarting",
  paused: "paused",
  exited: "stopped",
};

/**
 * Raises FILTER_INVALID and CONTAINER_NOT_FOUND in the predecessor's words. Filters it does not know are ignored, as by it.
 * `packages`: those the account sees; undefined where nobody tells.
 */
export function sdcSelect(
  containers: readonly ContainerFacts[],
  query: ListQuery,
  packages?: readonly AccountPackage[],
): ContainerFacts[] {
  if (packages?.length === 0) throw refusal("FILTER_INVALID", "no packages available to this user");
  const { filters } = query;
  const limit = query.limit !== undefined && query.limit > 0 ? query.limit : undefined;
  const before = query.before ?? filters["before"]?.[0];
  const since = query.since ?? filters["since"]?.[0];
  const wantsAll = query.all || limit !== undefined || before !== undefined || since !== undefined;
  const all = wantsAll || (filters["status"]?.length ?? 0) > 0;
  const base = containers.filter((facts) => (all ? isVisible(facts) : facts.state === "running"));
  const tests: readonly ContainerTest[] = [
    ...timeTests(containers, before, since),
    ...statusTests(filters),
    ...anyOf(filters["exited"], (value) => (facts) => String(facts.exitStatus) === value),
    ...anyOf(filters["id"], (value) => matching("id", value, (facts) => facts.id)),
    ...anyOf(filters["name"], (value) => matching("name", value, (facts) => facts.alias ?? "")),
    ...(filters["label"] ?? []).map((value) => labelTest(value, packages ?? [])),
  ];
  return newestFirst(base.filter((facts) => tests.every((test) => test(facts)))).slice(0, limit);
}

function timeTests(containers: readonly ContainerFacts[], before?: string, since?: string): ContainerTest[] {
  const moment = (reference: string): number => {
    try {
      return createdMs(sdcLookUp(reference, containers));
    } catch (cause) {
      const message = `Could not find container with name or id ${reference}`;
      throw refusal("CONTAINER_NOT_FOUND", message, {}, cause);
    }
  };
  const [end, start] = [before, since].map((reference) => (reference === undefined ? undefined : moment(reference)));
  return [
    ...(end === undefined ? [] : [(facts: ContainerFacts) => createdMs(facts) < end]),
    ...(start === undefined ? [] : [(facts: ContainerFacts) => createdMs(facts) > start]),
  ];
}

function statusTests(filters: Filters): ContainerTest[] {
  for (const value of filters["status"] ?? [])
    if (!Object.hasOwn(ZONE_STATES, value)) throw refusal("FILTER_INVALID", "Unrecognised filter value for status");
  return anyOf(filters["status"], (value) => (facts) => {
    if (facts.state === "stopped" && neverRan(facts)) return value === "created" || value === "exited";
    return facts.state === ZONE_STATES[value];
  });
}

function labelTest(filter: string, packages: readonly AccountPackage[]): ContainerTest {
  const { key, value } = splitLabel(filter);
  if (key === PACKAGE_LABEL) return packageTest(value, packages);
  return (facts) => {
    const labels = labelsOfTags(facts.tags, undefined);
    return Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
  };
}

const PACKAGE_VALUE = /^[a-zA-Z0-9](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9])$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** By name, uuid, or the first 8 digits of one; several packages may fit (sdc-docker.md 10.1). */
function packageTest(value: string | undefined, packages: readonly AccountPackage[]): ContainerTest {
  if (value === undefined || value === "")
    throw refusal("FILTER_INVALID", `the label ${PACKAGE_LABEL} needs a value`, VALIDATION);
  if (!PACKAGE_VALUE.test(value) || /[_.-]{2}/.test(value))
    throw refusal("FILTER_INVALID", `invalid value for ${PACKAGE_LABEL}: ${value}`);
  const named = packages.filter((pkg) => !UUID.test(value) && pkg.name === value);
  const byUuid = packages.filter(
    (pkg) => pkg.uuid === value || (/^[0-9a-f]{8}$/.test(value) && pkg.uuid.startsWith(value)),
  );
  const wanted = new Set((named.length > 0 ? named : byUuid).map((pkg) => pkg.uuid));
  if (wanted.size === 0) throw refusal("FILTER_INVALID", "no packages match selection");
  return (facts) => facts.packageUuid !== undefined && wanted.has(facts.packageUuid);
}

function matching(name: string, expression: string, of: (facts: ContainerFacts) => string): ContainerTest {
  const matches = compileExpression(expression, () => {
    throw refusal("FILTER_INVALID", `invalid filter "${name}": "${expression}" is no regular expression`);
  });
  return (facts) => matches(of(facts));
}
