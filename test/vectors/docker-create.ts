// Vectors of one case a file, told by `kind` (test/fixtures/docker-create/README.md).
import { z } from "zod";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { answerText, refusalAnswer } from "../../agent/docker-view/refusal.ts";
import { absentDifferences, asJson, at, equalDifferences, exactDifferences, subsetDifferences } from "./compare.ts";
import { DOCKER_VIEW_JUDGES } from "./docker-view.ts";
import { LAB_HOST_JUDGES } from "./lab-host.ts";
import { SDC_CREATE_JUDGES } from "./sdc-create.ts";
import { outcomeOf, type Difference, type Refused, type VectorFamily } from "./vector.ts";
import { VM_SERVICE_JUDGES } from "./vm-service.ts";

type Judge = (input: unknown) => unknown;

/** Input → what `expected` tells of it, by kind; a table goes by its name. A refusal is thrown. */
const JUDGES: Readonly<Record<string, Judge>> = {
  ...LAB_HOST_JUDGES,
  ...VM_SERVICE_JUDGES,
  ...DOCKER_VIEW_JUDGES,
  ...SDC_CREATE_JUDGES,
};

/** The document `exact` and `absent` are about; the kind's own name where this says nothing. */
const DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  create: ["vm_payload"],
  direct: ["vmadm_payload"],
  "vmadm-payload": ["vmadm_payload"],
  ps: ["containers", "0"],
};

/** Told for readers, not compared. */
const INFORMATIONAL = new Set(["warnings"]);

const paths = z.array(z.array(z.string())).default([]);
const text = z.string().nullish();
const refused = z.looseObject({
  stage: z.string(),
  status: z.number().nullish(),
  code: text,
  message: text,
  message_prefix: text,
  response_text: text,
  errors: z.array(z.unknown()).optional(),
});
const vectorSchema = z.looseObject({
  name: z.string(),
  kind: z.string(),
  conformance: z.enum(["must", "quirk"]),
  input: z.unknown(),
  expected: z.looseObject({ exact: paths, absent: paths }).optional(),
  expected_error: refused.optional(),
});
type Vector = z.output<typeof vectorSchema>;

export const dockerCreateVectors: VectorFamily = {
  name: "docker-create",
  kinds: Object.keys(JUDGES),
  cases({ json }) {
    if (typeof json !== "object" || json === null || !("kind" in json) || !("conformance" in json)) return undefined;
    const vector = vectorSchema.parse(json);
    const key = vector.kind === "table" ? vector.name : vector.kind;
    const judge = Object.hasOwn(JUDGES, key) ? JUDGES[key] : undefined;
    if (judge === undefined)
      throw new Error(vector.kind === "table" ? `unknown table "${key}"` : `unknown kind "${key}"; known are ${Object.keys(JUDGES).join(", ")}`); // prettier-ignore
    return [{ name: vector.name, quirk: vector.conformance === "quirk", check: () => check(vector, judge) }];
  },
};

function check(vector: Vector, judge: Judge): Difference[] {
  const outcome = outcomeOf(() => judge(vector.input));
  const wanted = vector.expected_error ?? vector.expected;
  if ("broken" in outcome) return [{ path: "", expected: wanted, got: outcome.broken }];
  if ("refusal" in outcome) {
    if (vector.expected_error !== undefined) return compareRefusal(vector.expected_error, outcome.refusal);
    return [{ path: "", expected: wanted, got: `refused: ${outcome.refusal.message}` }];
  }
  if (vector.expected === undefined) return [{ path: "", expected: wanted, got: outcome.document }];
  const { exact, absent, ...all } = vector.expected;
  const expected = Object.fromEntries(Object.entries(all).filter(([key]) => !INFORMATIONAL.has(key)));
  const [theirs, ours] = [comparable(expected), comparable(asJson(outcome.document))];
  const place = DOCUMENTS[vector.kind] ?? [vector.kind];
  return [
    ...subsetDifferences(theirs, ours),
    ...exact.flatMap((path) => exactDifferences(at(theirs, place), at(ours, place), path, place)),
    ...absent.flatMap((path) => absentDifferences(at(ours, place), path, place)),
  ];
}

/** Firewall rules are sets, and their uuids are random. */
function comparable(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => comparable(item));
    if (!key.startsWith("firewall_rules")) return items;
    return items
      .map((item) => (typeof item === "object" && item !== null ? { ...item, uuid: undefined } : item))
      .toSorted((a, b) => ruleText(a).localeCompare(ruleText(b)));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, comparable(inner, name)]));
}

function ruleText(rule: unknown): string {
  return typeof rule === "string" ? rule : String(at(rule, ["rule"]));
}

/** A null is not compared, and of what crashed the original only that it is refused. */
function compareRefusal(expected: z.output<typeof refused>, error: AgentError | Refused): Difference[] {
  if (expected.stage === "crash") return [];
  const { stage, message_prefix: prefix, status, code, message, response_text, errors } = expected;
  const told = { status, code, message, response_text, errors };
  const answer = error instanceof AgentError ? refusalAnswer(error) : undefined;
  const got: Record<string, unknown> = {
    status: answer?.status,
    code: answer?.code,
    message: error.message,
    response_text: error instanceof AgentError ? answerText(error, "REQ_ID") : undefined,
    errors: error instanceof AgentError ? error.details["errors"] : undefined,
  };
  const wanted = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null && value !== undefined));
  return [
    ...subsetDifferences(wanted, got, ["expected_error"]),
    // A refusal without a code is one whose text is shown without one.
    ...(code === null && stage !== "vmadm" && answer !== undefined && status !== null
      ? equalDifferences(null, answer.code, ["expected_error", "code"])
      : []),
    ...(typeof prefix === "string" && !error.message.startsWith(prefix)
      ? [{ path: "expected_error.message_prefix", expected: prefix, got: error.message }]
      : []),
  ];
}
