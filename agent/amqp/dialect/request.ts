// A predecessor's request: the name in the key, the parameters at the top level of the body, ids of 32 bits
// (amqp-head-node.md 3.1).
import { createHash } from "node:crypto";
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { parseBody } from "../body.ts";
import { ENVELOPE_VERSION, type IncomingMessage, type TaskRequest } from "../envelope.ts";
import { isWireId, parseProvisionerTaskKey, type WireAddress } from "./keys.ts";

export interface DialectRequest extends WireAddress {
  readonly task: string;
  readonly reqId: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
}

const wireId = z.string().refine(isWireId, "not an id");
const addressSchema = z.object({ client_id: wireId, task_id: wireId });
const bodySchema = z.record(z.string(), z.unknown());

/** What is said beside the parameters. `task` repeats the key, `jobid` was never used by an agent. */
const ENVELOPE_KEYS = new Set(["client_id", "task_id", "task", "req_id", "jobid"]);

/**
 * A request for `server`. Raises MESSAGE_INVALID, MESSAGE_TOO_LARGE or MESSAGE_MISROUTED and nothing else. Without ids it
 * is refused: the answer would go to a key nobody listens on.
 */
export function parseDialectRequest(message: IncomingMessage, server: string): DialectRequest {
  const { task } = parseProvisionerTaskKey(message.routingKey, server);
  const body = bodySchema.safeParse(parseBody(message.bytes, message.contentType));
  if (!body.success) throw new AgentError("MESSAGE_INVALID", "the request is not a JSON object");
  const address = addressSchema.safeParse(body.data);
  if (!address.success)
    throw new AgentError("MESSAGE_INVALID", "client_id and task_id are missing or no ids: nobody could be answered");
  return {
    task,
    clientId: address.data.client_id,
    taskId: address.data.task_id,
    reqId: z.string().max(256).safeParse(body.data["req_id"]).data,
    params: Object.fromEntries(Object.entries(body.data).filter(([key]) => !ENVELOPE_KEYS.has(key))),
  };
}

/** The same request in envelope v1. Its task id is made of both ids, so that a repeat is known as one. */
export function toTaskRequest(request: DialectRequest): TaskRequest {
  return {
    v: ENVELOPE_VERSION,
    task: request.task,
    taskId: taskUuid(request),
    clientId: request.clientId,
    ...(request.reqId === undefined ? {} : { reqId: request.reqId }),
    params: request.params,
  };
}

/** A uuid (version 8, made of a digest) that is the same for the same client and task id. */
export function taskUuid({ clientId, taskId }: WireAddress): string {
  const hex = createHash("sha256").update(`provisioner.${clientId}.${taskId}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
