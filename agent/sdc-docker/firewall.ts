// The firewall rules of a container and of its account (sdc-docker.md 14).
import { PROTOCOLS } from "../docker-view/firewall-ports.ts";
import { DOCKER_TAG } from "../zoneinit/metadata-keys.ts";
import type { PortPlan, Protocol } from "./ports.ts";
import { failed } from "./refuse.ts";

export interface FirewallRule {
  readonly uuid: string;
  readonly owner_uuid: string;
  readonly rule: string;
  readonly enabled: boolean;
}

export interface FirewallPlan {
  /** Every rule that goes with the payload. */
  readonly attached: readonly FirewallRule[];
  /** Those the account has not had so far. */
  readonly created: readonly FirewallRule[];
}

const PER_RULE = 8;
const MAX_ITEMS = 128;

export interface FirewallRequest {
  readonly zone: string;
  readonly owner: string;
  readonly ports: PortPlan["open"];
  /** Of the rule language. */
  readonly version: 1 | 2;
  readonly existing: readonly FirewallRule[];
  readonly newUuid: () => string;
}

/**
 * Containers of an account reach each other; published ports are open to anybody. A rule of the account that is disabled
 * is neither attached nor made again.
 */
export function planFirewall({ zone, owner, ports, version, existing, newUuid }: FirewallRequest): FirewallPlan {
  const attached: FirewallRule[] = [];
  const created: FirewallRule[] = [];
  const create = (rule: string): void => {
    const made = { uuid: newUuid(), owner_uuid: owner, rule, enabled: true };
    attached.push(made);
    created.push(made);
  };
  // The account's rules are drawn last: their uuids are nobody's business.
  const own = PROTOCOLS.flatMap((protocol) => portRules(zone, protocol, ports[protocol], version));
  for (const protocol of PROTOCOLS) {
    const rule = `FROM tag ${DOCKER_TAG} TO tag ${DOCKER_TAG} ALLOW ${protocol} PORT all`;
    const meaning = canonicalRule(rule);
    const known = existing.find((one) => one.owner_uuid === owner && canonicalRule(one.rule) === meaning);
    if (known === undefined) create(rule);
    else if (known.enabled) attached.push(known);
  }
  for (const rule of own) create(rule);
  return { attached, created };
}

function portRules(zone: string, protocol: Protocol, ports: readonly number[], version: 1 | 2): string[] {
  const items = version === 1 ? ports.map((port) => `port ${port}`) : portRanges(ports);
  if (items.length > MAX_ITEMS)
    throw failed(
      "SPEC_UNSUPPORTED",
      `publish port: only support exposing ${MAX_ITEMS} ${protocol.toUpperCase()} ${version === 1 ? "ports" : "port ranges"}`,
    );
  const rules: string[] = [];
  for (let i = 0; i < items.length; i += PER_RULE) {
    const group = items.slice(i, i + PER_RULE);
    const text = version === 1 ? `(${group.toSorted().join(" AND ")})` : `ports ${group.join(",")}`;
    rules.push(`FROM any to vm ${zone} ALLOW ${protocol} ${text}`);
  }
  return rules;
}

/** Sorted, neighbours joined: `22`, `95-104`. */
function portRanges(ports: readonly number[]): string[] {
  const ranges: [number, number][] = [];
  for (const port of ports.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && port <= last[1] + 1) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
}

/** A rule as the firewall service prints it; of a form we do not write, the text as it is. */
export function canonicalRule(rule: string): string {
  const match = /^FROM (any|tag "?[\w.-]+"?) TO (vm [0-9a-f-]+|tag "?[\w.-]+"?) ALLOW (tcp|udp) (.+)$/i.exec(rule);
  if (match === null) return rule;
  const [, from = "", to = "", protocol = "", ports = ""] = match;
  return `FROM ${side(from)} TO ${side(to)} ALLOW ${protocol.toLowerCase()} ${canonicalPorts(ports)}`;
}

function side(text: string): string {
  return text.toLowerCase().startsWith("tag") ? `tag "${text.slice(4).replaceAll('"', "")}"` : text;
}

function canonicalPorts(text: string): string {
  if (/^PORT all$/i.test(text)) return "PORT all";
  const list = /^PORTS (.+)$/i.exec(text)?.[1];
  if (list !== undefined) return `PORTS ${list.split(/\s*,\s*/).map((item) => item.replace(/\s*-\s*/, " - ")).join(", ")}`; // prettier-ignore
  const numbers = [...text.matchAll(/PORT (\d+)/gi)].map((found) => Number(found[1])).toSorted((a, b) => a - b);
  return numbers.length === 1 ? `PORT ${numbers.join("")}` : `(${numbers.map((n) => `PORT ${n}`).join(" AND ")})`;
}
