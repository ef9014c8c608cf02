// Vectors of the message bus: a file has a kind, a case a verdict. `keep` is matched to the letter; for `defect` the right
// behaviour is demanded of the same input.
import { z } from "zod";
import { AgentError } from "../../../agent/errors/agent-error.ts";
import type { Difference, VectorFamily } from "../vector.ts";
import { judgeBroker } from "./broker.ts";
import { judgeHeadRecord, judgeServerRecord } from "./head.ts";
import { judgeQueue } from "./queues.ts";
import { judgeCnAgentStatus, judgeHeartbeat, judgeSysinfo } from "./reports.ts";
import { judgeRouting } from "./routing.ts";
import { judgeCnAgentTask, judgeTask } from "./tasks.ts";
import { judgeUr } from "./ur.ts";

const caseSchema = z.object({
  name: z.string(),
  verdict: z.enum(["keep", "defect"]),
  given: z.looseObject({}).nullish(),
  input: z.array(z.unknown()).default([]),
  expect: z.looseObject({}),
});
export type BusCase = z.output<typeof caseSchema>;

const fileSchema = z.object({ format: z.literal(1), kind: z.string(), cases: z.array(caseSchema) });

export interface Judgement {
  readonly needs?: string;
  readonly without?: string;
  readonly check: () => readonly Difference[];
}

export type Judge = (one: BusCase) => Judgement;

const JUDGES: Readonly<Record<string, Judge>> = {
  "topic-routing": judgeRouting,
  "sdc7-task": judgeTask,
  "cn-agent-task": judgeCnAgentTask,
  "sdc7-ur": judgeUr,
  "sdc7-heartbeat": judgeHeartbeat,
  "cn-agent-status": judgeCnAgentStatus,
  sysinfo: judgeSysinfo,
  "cnapi-task-record": judgeHeadRecord,
  "cnapi-server-record": judgeServerRecord,
  "throttled-queue": judgeQueue,
  "broker-behaviour": judgeBroker,
};

export const amqpVectors: VectorFamily = {
  name: "message bus",
  kinds: Object.keys(JUDGES),
  cases({ json }) {
    const kind = z.looseObject({ kind: z.string() }).safeParse(json).data?.kind;
    const judge = kind !== undefined && Object.hasOwn(JUDGES, kind) ? JUDGES[kind] : undefined;
    if (judge === undefined) return undefined;
    return fileSchema.parse(json).cases.map((one) => {
      const { check, ...judgement } = judge(one);
      return { name: `${one.name} (${one.verdict})`, quirk: false, ...judgement, check: () => guarded(check) };
    });
  },
};

function guarded(check: Judgement["check"]): readonly Difference[] {
  try {
    return check();
  } catch (error) {
    const got = error instanceof AgentError ? `${error.code}: ${error.message}` : String(error);
    return [{ path: "", expected: "an outcome", got }];
  }
}
