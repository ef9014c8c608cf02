// What is remembered of one task (amqp-head-node.md 19.5). The record is the only memory: what runs, runs from it; what
// is told, is told from it.
import { z } from "zod";
import { ERROR_CLASSES } from "../errors/classes.ts";
import { isErrorCode } from "../errors/codes.ts";
import { isUuid } from "../util/ids.ts";
import { zoneUuid } from "../vmadm/schema.ts";

export const RECORD_VERSION = 1;

export const TERMINAL_STATUSES = ["ok", "failed", "cancelled", "expired", "interrupted"] as const;

const wireError = z.object({
  class: z.enum(ERROR_CLASSES),
  code: z.string().refine(isErrorCode, "not an error code"),
  message: z.string(),
  hint: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** An event on its way out. `finish` has no body of its own: it is the record's `terminal`. */
const event = z.object({
  seq: z.int().nonnegative(),
  /** `accepted`, `start`, `progress`, `start:<step>`, `end:<step>`, `error` or `finish`. */
  name: z.string(),
  at: z.string(),
  body: z.record(z.string(), z.unknown()).optional(),
  state: z.enum(["pending", "confirmed", "undelivered"]),
});
export type TaskEvent = z.output<typeof event>;

const terminal = z.object({
  status: z.enum(TERMINAL_STATUSES),
  at: z.string(),
  result: z.unknown().optional(),
  error: wireError.optional(),
});
export type Terminal = z.output<typeof terminal>;

/**
 * ```
 *   accepted ──start──▶ running ──▶ finished
 *       └───── cancelled, expired ─────▲
 * ```
 */
export const taskRecordSchema = z.object({
  version: z.literal(RECORD_VERSION),
  taskId: z.string().refine(isUuid, "not a uuid"),
  /** Keyed digest of the request: tells a repeat from another request under the same id. */
  digest: z.string(),
  task: z.string(),
  class: z.string(),
  /** The zone whose lane the task runs in. */
  vm: zoneUuid.optional(),
  clientId: z.string().optional(),
  reqId: z.string().optional(),
  /** Parameters the task marks as secret are sealed (sealing.ts). */
  params: z.record(z.string(), z.unknown()),
  receivedAt: z.string(),
  /** Position among all tasks of the node: the order of acceptance, whatever the clock did. */
  order: z.number(),
  /** Milliseconds since 1970 after which it must not begin. */
  notAfter: z.number().optional(),
  deadlineS: z.number().positive(),
  state: z.enum(["accepted", "running", "finished"]),
  /** When it was begun the first time. */
  startedAt: z.string().optional(),
  /** How often it was begun. */
  attempt: z.int().nonnegative(),
  /** What a handler wrote down before it acted, to know its own effects again. */
  facts: z.record(z.string(), z.unknown()),
  children: z.array(z.object({ pid: z.int().positive(), start: z.string().optional(), argv: z.array(z.string()) })),
  steps: z.array(z.object({ name: z.string(), at: z.string(), endedAt: z.string().optional() })),
  progress: z.number().min(0).max(100),
  terminal: terminal.optional(),
  outbox: z.array(event),
});
export type TaskRecord = z.output<typeof taskRecordSchema>;

/** The record with one more event. Of progress that nobody has taken yet only the latest is kept. */
export function withEvent(record: TaskRecord, name: string, at: string, body?: Record<string, unknown>): TaskRecord {
  const seq = (record.outbox.at(-1)?.seq ?? -1) + 1;
  const kept = record.outbox.filter((one) => name !== "progress" || one.name !== name || one.state !== "pending");
  return {
    ...record,
    outbox: [...kept, { seq, name, at, ...(body === undefined ? {} : { body }), state: "pending" }],
  };
}

/** Ends a task: its one terminal event, after an `error` for readers that know only that. An ended task stays as it is. */
export function finished(record: TaskRecord, terminal: Terminal): TaskRecord {
  if (record.state === "finished") return record;
  const { status, at, error } = terminal;
  const progress = status === "ok" ? 100 : Math.min(record.progress, 99);
  const told = status === "ok" || error === undefined ? record : withEvent(record, "error", at, { error });
  const ended: TaskRecord = { ...told, state: "finished", progress, terminal, children: [] };
  return withEvent(ended, "finish", at);
}

/** What an event says to the outside. */
export function eventBody(record: TaskRecord, event: TaskEvent): Readonly<Record<string, unknown>> {
  if (event.name !== "finish" || record.terminal === undefined) return event.body ?? {};
  const { status, result, error } = record.terminal;
  return { status, ...(result === undefined ? {} : { result }), ...(error === undefined ? {} : { error }) };
}
