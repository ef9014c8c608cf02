// Affinity hints: placement among servers, of which a node is one (sdc-docker.md 12). They are checked and passed on.
import type { Members } from "./members.ts";
import { invalid } from "./refuse.ts";

export interface Affinity {
  readonly key: string;
  readonly operator: "==" | "!=";
  readonly value: string;
  readonly isSoft: boolean;
  readonly valueType: "exact" | "glob" | "re";
}

const LABEL = "com.docker.swarm.affinities";
const ENV = "affinity:";
const KEY = /^[a-z_][a-z0-9\-_.]+$/i;
const VALUE = /^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i;

export interface AffinityPlan {
  readonly affinity: readonly Affinity[];
  /** With the hints of the environment written into the label, as the predecessor does. */
  readonly labels: Members;
  /** The environment without them. `docker:env` keeps them all the same: it was made before. */
  readonly env: readonly string[];
}

export function planAffinity(labels: Members, env: readonly string[]): AffinityPlan {
  const ofEnv = env.filter((entry) => entry.startsWith(ENV)).map((entry) => entry.slice(ENV.length));
  const expressions = [...ofLabel(labels), ...ofEnv];
  return {
    env: env.filter((entry) => !entry.startsWith(ENV)),
    affinity: expressions.map(parseExpression),
    labels: ofEnv.length === 0 ? labels : { ...labels, [LABEL]: JSON.stringify(expressions) },
  };
}

function ofLabel(labels: Members): string[] {
  const label = Object.hasOwn(labels, LABEL) ? labels[LABEL] : undefined;
  // A value that is no text is refused with the other labels.
  if (typeof label !== "string" || label === "") return [];
  let list: unknown;
  try {
    list = JSON.parse(label);
  } catch (error) {
    throw invalid(`invalid affinities label: ${JSON.stringify(label)}: ${error instanceof Error ? error.message : ""}`);
  }
  if (!Array.isArray(list) || !list.every((item) => typeof item === "string"))
    throw invalid(`affinities label is not an array: ${label}`);
  return list;
}

function parseExpression(expression: string): Affinity {
  const operator = expression.includes("==") ? "==" : expression.includes("!=") ? "!=" : undefined;
  if (operator === undefined)
    throw invalid(
      `could not find operator in filter expression: expected one of ==, !=: ${JSON.stringify(expression)}`,
    );
  const at = expression.indexOf(operator);
  const key = expression.slice(0, at);
  const rest = expression.slice(at + operator.length);
  const isSoft = rest.startsWith("~");
  const value = isSoft ? rest.slice(1) : rest;
  for (const [what, text, rule] of [
    ["key", key, KEY],
    ["value", value, VALUE],
  ] as const)
    if (!rule.test(text))
      throw invalid(
        `invalid ${what} in filter expression: ${JSON.stringify(expression)}: ${JSON.stringify(text)} does not match ${String(rule)}`,
      );
  const valueType = /^\/.*\/$/s.test(value) ? "re" : value.includes("*") ? "glob" : "exact";
  return { key, operator, value, isSoft, valueType };
}
