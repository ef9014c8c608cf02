// `show_tasks`: what ran here last (amqp-head-node.md 3.7). One finish and nothing else; what may be secret is masked,
// where the predecessor told whoever asked all of it.
import { maskedParams } from "../catalogue/catalogue.ts";
import type { OutgoingMessage } from "../routing.ts";
import { provisionerEventKey, type WireAddress } from "./keys.ts";

export const SHOW_TASKS = "show_tasks";
const MAX_HISTORY = 100;

export interface ShownTask extends WireAddress {
  readonly task: string;
  readonly reqId: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  readonly failed: boolean;
  /** Names of its events with their time. */
  readonly events: readonly { readonly name: string; readonly at: Date }[];
}

/** `pid` is ours: tasks have no process of their own. Newest last, at most {@link MAX_HISTORY}. */
export function showTasks(
  server: string,
  asked: WireAddress & { readonly reqId: string | undefined },
  tasks: readonly ShownTask[],
  now: { readonly at: Date; readonly pid: number },
): OutgoingMessage {
  return {
    routingKey: provisionerEventKey(server, "finish", asked),
    properties: { contentType: "application/json" },
    body: {
      history: tasks.slice(-MAX_HISTORY).map((task) => entry(task, now)),
      ...(asked.reqId === undefined ? {} : { req_id: asked.reqId }),
    },
  };
}

function entry(task: ShownTask, { at, pid }: { readonly at: Date; readonly pid: number }): Record<string, unknown> {
  const { startedAt, finishedAt } = task;
  return {
    started_at: startedAt.toISOString(),
    ...(finishedAt === undefined ? {} : { finished_at: finishedAt.toISOString() }),
    task: task.task,
    pid,
    params: {
      ...maskedParams(task.task, task.params),
      task: task.task,
      client_id: task.clientId,
      task_id: task.taskId,
      ...(task.reqId === undefined ? {} : { req_id: task.reqId }),
    },
    status: finishedAt === undefined ? "active" : task.failed ? "failed" : "finished",
    errorCount: task.failed ? 1 : 0,
    messages: task.events.map(({ name, at: when }) => ({ type: "event", name, timestamp: when.toISOString() })),
    log: [],
    elapsed_seconds: Math.max(0, ((finishedAt ?? at).getTime() - startedAt.getTime()) / 1000),
  };
}
