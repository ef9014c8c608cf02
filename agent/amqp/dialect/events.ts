// What happens to a task, as events of the predecessors (amqp-head-node.md 3.3, 3.4): progress 0, start, steps, then
// error where it failed, progress 100, finish. A fold: the state is plain and small, so that it can be remembered.
import { z } from "zod";
import { isTask, TASKS } from "../catalogue/catalogue.ts";
import { clipError } from "../clip.ts";
import type { OutgoingMessage } from "../routing.ts";
import type { TaskEnd, TaskEvent } from "../task-event.ts";
import { dialectError } from "./error-words.ts";
import { provisionerEventKey } from "./keys.ts";
import type { DialectRequest } from "./request.ts";
import { dialectStep } from "./steps.ts";

export interface DialectTrace {
  /** Last value told; undefined before the first event. Values never fall. */
  readonly progress: number | undefined;
  readonly ended: boolean;
}

export const NEW_TRACE: DialectTrace = { progress: undefined, ended: false };

export interface DialectStepResult {
  readonly trace: DialectTrace;
  readonly messages: readonly OutgoingMessage[];
}

type Request = Pick<DialectRequest, "task" | "clientId" | "taskId" | "reqId">;

/**
 * The messages of one event. After a finish nothing more is ever said. A task that ends without having started is
 * framed as if it had, because clients wait for the frame; only one that died on the way (`interrupted`) is not said to
 * have come to 100.
 */
export function dialectEvents(
  request: Request,
  server: string,
  trace: DialectTrace,
  event: TaskEvent,
  at: Date,
): DialectStepResult {
  if (trace.ended) return { trace, messages: [] };
  const messages: OutgoingMessage[] = [];
  let progress = trace.progress;
  const say = (name: string, body: unknown): void => {
    messages.push({
      routingKey: provisionerEventKey(server, name, request),
      properties: { contentType: "application/json" },
      body,
    });
  };
  const advance = (value: number): void => {
    if (progress !== undefined && value <= progress) return;
    progress = value;
    say("progress", { value });
  };
  const begin = (): void => {
    if (progress !== undefined) return;
    advance(0);
    say("start", reqId(request));
  };
  switch (event.kind) {
    case "accepted":
    case "alive":
      break;
    case "start":
      begin();
      break;
    case "progress":
      begin();
      advance(Math.min(100, Math.max(0, Math.floor(event.percent))));
      break;
    case "step-start": {
      begin();
      const description = dialectStep(request.task, event.step)?.description ?? event.description;
      say(`start:${event.step}`, { timestamp: at.toISOString(), description });
      break;
    }
    case "step-end": {
      begin();
      const step = dialectStep(request.task, event.step);
      if (step !== undefined) advance(step.progress);
      say(`end:${event.step}`, { timestamp: at.toISOString() });
      break;
    }
    case "finish":
      if (event.status !== "interrupted") begin();
      if (event.status !== "ok")
        say("error", { ...dialectError(request.task, clipError(event.error)), ...reqId(request) });
      if (event.status !== "interrupted") advance(100);
      say("finish", finishBody(request, event));
      break;
  }
  return { trace: { progress, ended: event.kind === "finish" }, messages };
}

function reqId({ reqId }: Request): { req_id?: string } {
  return reqId === undefined ? {} : { req_id: reqId };
}

const objectSchema = z.record(z.string(), z.unknown());

/** The result with the request's id in it; an array cannot carry one. A failure may carry what was left of the zone. */
function finishBody(request: Request, end: TaskEnd): unknown {
  const part = end.status === "ok" && isTask(request.task) ? (TASKS[request.task].dialectResult ?? "whole") : "vm";
  if (part === "nothing") return reqId(request);
  if (part === "whole" && Array.isArray(end.result)) return end.result;
  const result = objectSchema.safeParse(end.result).data ?? {};
  if (part === "whole") return { ...result, ...reqId(request) };
  return { ...(result["vm"] === undefined ? {} : { vm: result["vm"] }), ...reqId(request) };
}
