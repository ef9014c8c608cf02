// Records of the head node.
import { z } from "zod";
import { recordHeartbeat } from "../../../agent/amqp/head/server-record.ts";
import { newTaskRecord, recordError, recordEvent, recordOutcome, workflowZone } from "../../../agent/amqp/head/task-record.ts"; // prettier-ignore
import type { Difference } from "../vector.ts";
import type { Judge } from "./amqp.ts";
import { demand, differences } from "./compare.ts";

const AT = new Date("2014-05-01T10:00:00.000Z");

const recordSchema = z.looseObject({ record: z.looseObject({}), error_text_in_the_workflow: z.string().nullable() });

export const judgeHeadRecord: Judge = ({ name, verdict, given, input, expect }) => ({
  check: () => {
    const { task, task_id } = z.object({ task: z.string(), task_id: z.string() }).parse(given);
    const events = z.array(z.object({ event: z.string(), body: z.unknown().optional() })).parse(input);
    const record = events.reduce(
      (so, { event, body }) => recordEvent(so, event, event.includes(":") ? stamped(body) : body, AT),
      newTaskRecord(task_id, task, "<server uuid>", AT),
    );
    const error = recordError(record) ?? null;
    const outcome = recordOutcome(record);
    if (verdict === "defect") return rightRecord(name, { record, error, outcome });
    const wanted = recordSchema.parse(expect);
    return [
      ...differences(wanted.record, record, ["record"]),
      ...differences(wanted["waiters_told"], [{ error: null, id: record.id, status: record.status }], ["waiters_told"]),
      ...differences(wanted.error_text_in_the_workflow, error, ["error_text_in_the_workflow"]),
      ...differences(wanted["vm_taken_by_the_workflow"] ?? null, workflowZone(record) ?? null, ["vm"]),
      // That an error is handed over as a result is the defect of "failure"; the kept cases show it, too.
      ...(error === null
        ? differences(wanted["synchronous_caller_gets"], [{ error: null, ...outcome }], ["synchronous_caller_gets"])
        : differences({ error }, outcome, ["synchronous_caller_gets"])),
    ];
  },
});

/** The steps' times are texts of no form in these vectors. */
function stamped(body: unknown): unknown {
  return { ...z.looseObject({}).parse(body), timestamp: AT.toISOString() };
}

interface Judged {
  readonly record: ReturnType<typeof newTaskRecord>;
  readonly error: string | null;
  readonly outcome: ReturnType<typeof recordOutcome>;
}

function rightRecord(name: string, { record, error, outcome }: Judged): Difference[] {
  switch (name) {
    case "failure":
      return differences({ error: "VM.create error: out of space" }, outcome);
    case "failure with a log":
      return differences("x, zfs said no", error);
    case "error under another key":
      return differences("connect ECONNREFUSED", error);
    case "no terminal event":
      return [
        ...differences({ status: "active", progress: 20 }, { status: record.status, progress: record.progress }),
        ...differences(["progress", "start", "progress"], record.history.map((one) => one.name)), // prettier-ignore
      ];
    default:
      return demand("a case whose right behaviour is known here", false);
  }
}

export const judgeServerRecord: Judge = ({ verdict, given, input, expect }) => ({
  check: () => {
    const { server_record } = z.object({ server_record: z.looseObject({ uuid: z.string() }) }).parse(given);
    const [{ heartbeat }] = z.tuple([z.object({ heartbeat: z.unknown() })]).parse(input);
    const outcome = recordHeartbeat(server_record, heartbeat, AT);
    const wanted = z.object({ server_record: z.looseObject({}), sysinfo_asked_for: z.boolean() }).parse(expect);
    // One zone without a limit made the figure null; it counts as none.
    const right =
      verdict === "keep"
        ? wanted.server_record
        : { ...wanted.server_record, memory_provisionable_bytes: Math.floor(8191 * 2 ** 20 * 0.85) };
    return [
      ...differences(right, outcome?.record),
      ...differences(wanted.sysinfo_asked_for, outcome?.wantsSysinfo, ["sysinfo_asked_for"]),
    ];
  },
});
