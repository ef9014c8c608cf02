// Envelope v1 (amqp-head-node.md 19.3): requests in, events out. Unknown fields are ignored, an unknown version is
// refused with the ones we know, and a field never changes its type.
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { isUuid } from "../util/ids.ts";
import { MAX_EVENT_BYTES, parseBody, pathProblems, toldProblems } from "./body.ts";
import { clipError } from "./clip.ts";
import type { OutgoingMessage } from "./routing.ts";
import type { TaskEvent, TaskIdentity } from "./task-event.ts";
import { eventKey, isClientId, isTaskName, parseTaskKey } from "./topology.ts";

export const ENVELOPE_VERSION = 1;
export const SUPPORTED_VERSIONS = [ENVELOPE_VERSION] as const;

const uuid = z.string().refine(isUuid, "not a lower-case uuid");
const moment = z.iso.datetime({ offset: true });

const requestSchema = z.object({
  v: z.literal(ENVELOPE_VERSION),
  task: z.string().refine(isTaskName, "not the name of a task"),
  taskId: uuid,
  clientId: z.string().refine(isClientId, "letters, digits, _ and -, at most 64"),
  /** For logs of both sides; echoed in every event. */
  reqId: z.string().max(256).optional(),
  /** Not to be started later than this. */
  notAfter: moment.optional(),
  /** Seconds it may run once started. */
  deadlineS: z.number().positive().max(604_800).optional(),
  /** The zone whose lane it goes to, where the parameters do not tell. */
  vm: uuid.optional(),
  params: z.record(z.string(), z.unknown()).default({}),
});

export interface TaskRequest extends z.output<typeof requestSchema> {
  readonly correlationId?: string | undefined;
}

/** What arrived, as a client library hands it over. */
export interface IncomingMessage {
  readonly routingKey: string;
  readonly contentType?: string | undefined;
  readonly messageId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly bytes: Uint8Array;
}

/**
 * A request for `server`. Raises MESSAGE_INVALID, MESSAGE_TOO_LARGE, MESSAGE_VERSION (details: supported) or
 * MESSAGE_MISROUTED (key of another node, or of another task or id than the body's), and nothing else.
 */
export function parseRequest(message: IncomingMessage, server: string): TaskRequest {
  const { task } = parseTaskKey(message.routingKey, server);
  const body = parseBody(message.bytes, message.contentType);
  checkVersion(body);
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    const problems = pathProblems(parsed.error);
    throw new AgentError("MESSAGE_INVALID", `the request is not well-formed: ${toldProblems(problems)}`, { details: { problems } }); // prettier-ignore
  }
  const request = parsed.data;
  if (request.task !== task)
    throw new AgentError("MESSAGE_MISROUTED", `the key asks for ${task}, the body for ${request.task}`);
  if (message.messageId !== undefined && message.messageId !== request.taskId)
    throw new AgentError("MESSAGE_MISROUTED", "the message id is not the task id of the body");
  return message.correlationId === undefined ? request : { ...request, correlationId: message.correlationId };
}

const addressSchema = z.object({ taskId: uuid, clientId: z.string().refine(isClientId) });

/**
 * Whom to tell about a request {@link parseRequest} has refused: undefined where no address can be read, and the message
 * can only go to the dead letters. Never throws.
 */
export function addressOf(message: IncomingMessage): Pick<TaskIdentity, "taskId" | "clientId"> | undefined {
  try {
    return addressSchema.safeParse(parseBody(message.bytes, message.contentType)).data;
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}

function checkVersion(body: unknown): void {
  const version = z.object({ v: z.number() }).safeParse(body).data?.v;
  const supported: readonly number[] = SUPPORTED_VERSIONS;
  if (version === undefined || supported.includes(version)) return;
  throw new AgentError("MESSAGE_VERSION", `version ${version} of the envelope is not known here`, {
    details: { supported: SUPPORTED_VERSIONS },
  });
}

/** What a client publishes: the counterpart of {@link parseRequest}. */
export function requestMessage(server: string, request: TaskRequest): OutgoingMessage {
  const { correlationId, ...body } = request;
  return {
    routingKey: `zonelet.${server}.task.${request.task}`,
    properties: {
      contentType: "application/json",
      messageId: request.taskId,
      ...(correlationId === undefined ? {} : { correlationId }),
      type: request.task,
      appId: "zonelet",
      persistent: true,
    },
    body,
  };
}

export interface EventPlace {
  readonly server: string;
  /** New with every start of the node's platform: tells events before and after apart. */
  readonly bootId: string;
  /** Counts the events of a task from 1. */
  readonly seq: number;
  readonly at: Date;
}

const NAMES = {
  accepted: () => "accepted",
  start: () => "start",
  progress: () => "progress",
  "step-start": (step: string) => `start:${step}`,
  "step-end": (step: string) => `end:${step}`,
  alive: () => "progress",
  finish: () => "finish",
} as const;

/**
 * The message of an event; its body stays below {@link MAX_EVENT_BYTES}: long texts of an error lose their middle, and a
 * result that is too big is left out, with its size in `omittedBytes`. The message id is the same for the same event, so
 * that a repeat can be told.
 */
export function eventMessage(identity: TaskIdentity, event: TaskEvent, place: EventPlace): OutgoingMessage {
  const { server, bootId, seq, at } = place;
  const step = "step" in event ? event.step : "";
  const head = {
    v: ENVELOPE_VERSION,
    task: identity.task,
    taskId: identity.taskId,
    ...(identity.reqId === undefined ? {} : { reqId: identity.reqId }),
    seq,
    server,
    bootId,
    at: at.toISOString(),
  };
  return {
    routingKey: eventKey(server, NAMES[event.kind](step), identity.clientId, identity.taskId),
    properties: {
      contentType: "application/json",
      messageId: `${identity.taskId}/${seq}`,
      ...(identity.correlationId === undefined ? {} : { correlationId: identity.correlationId }),
      type: identity.task,
      appId: "zonelet",
      persistent: true,
    },
    body: bounded({ ...head, ...eventBody(event) }),
  };
}

function eventBody(event: TaskEvent): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case "accepted":
      return { position: event.position };
    case "start":
    case "step-end":
      return {};
    case "progress":
      return { percent: Math.min(99, Math.max(0, Math.floor(event.percent))) };
    case "step-start":
      return { description: event.description };
    case "alive":
      return { elapsedS: event.elapsedS, ...(event.step === undefined ? {} : { step: event.step }) };
    case "finish":
      if (event.status === "ok") return { status: event.status, percent: 100, result: event.result };
      return {
        status: event.status,
        error: clipError(event.error),
        ...(event.result === undefined ? {} : { result: event.result }),
      };
  }
}

function bounded(body: Readonly<Record<string, unknown>>): unknown {
  if (Buffer.byteLength(JSON.stringify(body)) <= MAX_EVENT_BYTES) return body;
  const { result, ...rest } = body;
  return { ...rest, omittedBytes: result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result)) };
}
