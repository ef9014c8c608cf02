// The head's record of a task, in the form CNAPI stores it (amqp-head-node.md 6.1), folded from the events that arrive.
// Where CNAPI wrote it at the end only, so that a poller saw nothing in between, every event changes it; an error under
// whatever key is kept; and an error is never handed over as a result.
import { z } from "zod";

export interface TaskHistoryEntry {
  readonly name: string;
  readonly event: unknown;
  readonly timestamp: string;
}

export interface TaskRecord {
  readonly id: string;
  readonly task: string;
  readonly progress: number;
  readonly server_uuid: string;
  readonly status: "active" | "complete" | "failure";
  readonly history: readonly TaskHistoryEntry[];
  readonly timestamp: string;
}

export function newTaskRecord(id: string, task: string, server: string, at: Date): TaskRecord {
  return { id, task, progress: 0, server_uuid: server, status: "active", history: [], timestamp: at.toISOString() };
}

const progressSchema = z.object({ value: z.number().min(0).max(100) });

/**
 * The record after an event of the predecessors' dialect: `error` while active is a failure, `finish` while active is
 * success. The progress of a task that failed stays what it was; whatever comes after the end changes nothing, except
 * that the finish after an error adds its log.
 */
export function recordEvent(record: TaskRecord, name: string, body: unknown, at: Date): TaskRecord {
  const last = record.history.at(-1)?.name;
  const finishesFailure = record.status === "failure" && name === "finish" && last === "error";
  if (record.status !== "active" && !(finishesFailure && logOf(body).length > 0)) return record;
  const history = [...record.history, { name, event: body, timestamp: at.toISOString() }];
  if (finishesFailure) return { ...record, history };
  const value = name === "progress" ? progressSchema.safeParse(body).data?.value : undefined;
  return {
    ...record,
    history,
    progress: value === undefined ? record.progress : Math.max(record.progress, value),
    status: name === "error" ? "failure" : name === "finish" ? "complete" : "active",
    timestamp: at.toISOString(),
  };
}

const detailsSchema = z.object({ details: z.object({ error: z.string() }) });
const messageSchema = z.object({ message: z.string() });

/** What went wrong, in one line; undefined where nothing has. */
export function recordError(record: TaskRecord): string | undefined {
  const failed = record.history.findLast(({ name }) => name === "error");
  if (failed === undefined) return undefined;
  const details = detailsSchema.safeParse(failed.event).data?.details.error;
  const log = record.history.filter(({ name }) => name === "finish").flatMap(({ event }) => logOf(event));
  return [errorText(failed.event), ...(details === undefined ? [] : [details]), ...log].join(", ");
}

/** CNAPI looks under `error` only, and lost what an older agent said under `err`. */
function errorText(body: unknown): string {
  const parsed = z.object({ error: z.unknown(), err: z.unknown() }).partial().safeParse(body).data;
  for (const said of [parsed?.error, parsed?.err]) {
    if (typeof said === "string" && said !== "") return said;
    const message = messageSchema.safeParse(said).data?.message;
    if (message !== undefined) return message;
  }
  return "Unexpected error occured";
}

const logSchema = z.object({ log: z.array(z.looseObject({ level: z.string(), message: z.string() })) });

function logOf(body: unknown): string[] {
  const log = logSchema.safeParse(body).data?.log ?? [];
  return log.filter(({ level }) => level === "error").map(({ message }) => message);
}

/** What a caller who waited is given; undefined while the task is active. */
export function recordOutcome(
  record: TaskRecord,
): { readonly error: string } | { readonly result: unknown } | undefined {
  if (record.status === "active") return undefined;
  const error = recordError(record);
  return error === undefined ? { result: record.history.at(-1)?.event } : { error };
}

/** The zone as the workflow of a head node takes it: only from a history that begins with its finish, as over HTTP. */
export function workflowZone(record: TaskRecord): unknown {
  const [first] = record.history;
  return first?.name === "finish" ? z.object({ vm: z.unknown() }).safeParse(first.event).data?.vm : undefined;
}
