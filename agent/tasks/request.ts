// A request for a task, as every door hands it over, and what it is turned into.
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { isUuid } from "../util/ids.ts";
import { suggest } from "../util/suggest.ts";
import { withEvent, type TaskRecord } from "./record.ts";
import type { Sealing } from "./sealing.ts";
import type { ParsedTask, Task } from "./task.ts";

export const taskRequestSchema = z.strictObject({
  taskId: z.string().refine(isUuid, "not a lower-case uuid"),
  task: z.string(),
  clientId: z.string().max(256).optional(),
  reqId: z.string().max(256).optional(),
  /** Milliseconds since 1970 after which it must not begin any more. */
  notAfter: z.number().optional(),
  /** Seconds it may take once it has begun. */
  deadlineS: z.number().positive().max(86_400).optional(),
  params: z.record(z.string(), z.unknown()).default({}),
});
export type TaskRequest = z.input<typeof taskRequestSchema>;

export type Registry = ReadonlyMap<string, Task>;

export function findTask(registry: Registry, name: string): Task {
  const task = registry.get(name);
  if (task) return task;
  const near = suggest(name, [...registry.keys()]);
  throw new AgentError("TASK_UNKNOWN", `this node offers no task "${name.slice(0, 64)}"`, {
    hint: near === undefined ? "agent/tasks/README.md lists them" : `did you mean ${near}?`,
  });
}

export interface Accepted {
  readonly task: Task;
  readonly parsed: ParsedTask;
  readonly record: TaskRecord;
}

/** Checks a request and makes the record of it. Raises TASK_UNKNOWN and TASK_INVALID; touches nothing. */
export function toRecord(
  request: TaskRequest,
  context: { readonly registry: Registry; readonly sealing: Sealing; readonly nowMs: number; readonly order: number },
): Accepted {
  const { registry, sealing, nowMs, order } = context;
  const read = taskRequestSchema.safeParse(request);
  if (!read.success)
    throw new AgentError(
      "TASK_INVALID",
      `task: ${read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")}`,
    );
  const { taskId, params, notAfter, clientId, reqId } = read.data;
  const task = findTask(registry, read.data.task);
  const parsed = task.parse(params);
  const at = new Date(nowMs).toISOString();
  const record: TaskRecord = {
    version: 1,
    taskId,
    digest: sealing.digest({ task: task.name, params, notAfter, deadlineS: read.data.deadlineS }),
    task: task.name,
    class: task.class,
    ...(parsed.zone === undefined ? {} : { vm: parsed.zone }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(reqId === undefined ? {} : { reqId }),
    params: sealParams(task, taskId, params, sealing),
    receivedAt: at,
    order,
    ...(notAfter === undefined ? {} : { notAfter }),
    deadlineS: read.data.deadlineS ?? task.deadlineS,
    state: "accepted",
    attempt: 0,
    facts: {},
    children: [],
    steps: [],
    progress: 0,
    outbox: [],
  };
  return { task, parsed, record: withEvent(record, "accepted", at) };
}

function sealParams(
  task: Task,
  taskId: string,
  params: Readonly<Record<string, unknown>>,
  sealing: Sealing,
): Record<string, unknown> {
  const secret = task.secret ?? [];
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [
      key,
      secret.includes(key) ? sealing.seal(value, `${taskId}/${key}`) : value,
    ]),
  );
}

/** The parameters as they came. Raises what `Sealing.unseal` raises. */
export function openParams(task: Task, record: TaskRecord, sealing: Sealing): Readonly<Record<string, unknown>> {
  const secret = task.secret ?? [];
  return Object.fromEntries(
    Object.entries(record.params).map(([key, value]) => [
      key,
      secret.includes(key) ? sealing.unseal(value, `${record.taskId}/${key}`) : value,
    ]),
  );
}

/** Shorter texts stand in every message by chance. */
const SHORTEST_SECRET = 6;
const SECRET_KEYS = /env|metadata|password|secret|token/i;

/** `value`, an error, with every text taken out that stands in a secret parameter: the platform repeats its input. */
export function withoutSecrets(value: unknown, task: Task, params: Readonly<Record<string, unknown>>): unknown {
  const secrets = new Set<string>();
  const collect = (inner: unknown, hot: boolean): void => {
    if (typeof inner === "object" && inner !== null)
      for (const [key, one] of Object.entries(inner)) collect(one, hot || SECRET_KEYS.test(key));
    else if (hot && typeof inner === "string") for (const piece of pieces(inner)) secrets.add(piece);
  };
  for (const key of task.secret ?? []) collect(params[key], false);
  const found = [...secrets].toSorted((a, b) => b.length - a.length);
  const clean = (inner: unknown): unknown => {
    if (typeof inner === "string") return found.reduce((text, secret) => text.replaceAll(secret, "(secret)"), inner);
    if (Array.isArray(inner)) return inner.map(clean);
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, v]) => [key, clean(v)]));
  };
  return found.length === 0 ? value : clean(value);
}

/** Metadata holds lists as JSON in a text, environments `NAME=value`: an error may quote the part or the whole. */
function pieces(text: string): readonly string[] {
  const inner = /^[[{]/.test(text) ? [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? "") : [];
  return [text, ...inner]
    .map((part) => /^[A-Za-z_][A-Za-z0-9_]*=(.*)$/s.exec(part)?.[1] ?? part)
    .filter((part) => part.length >= SHORTEST_SECRET);
}
