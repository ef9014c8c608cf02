// Messages on the control queue of v1: never behind tasks (amqp-head-node.md 19.2, 19.4).
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { isUuid } from "../util/ids.ts";
import { parseBody, pathProblems, toldProblems } from "./body.ts";
import { ENVELOPE_VERSION, type IncomingMessage } from "./envelope.ts";
import type { OutgoingMessage } from "./routing.ts";
import { controlKey, eventKey, isClientId, shown } from "./topology.ts";

const uuid = z.string().refine(isUuid, "not a lower-case uuid");
const head = {
  v: z.literal(ENVELOPE_VERSION),
  /** Of this message; the answer's key ends with it. */
  id: uuid,
  clientId: z.string().refine(isClientId, "letters, digits, _ and -, at most 64"),
};

const controlSchema = z.discriminatedUnion("verb", [
  z.object({ ...head, verb: z.literal("ping") }),
  z.object({ ...head, verb: z.literal("cancel"), taskId: uuid }),
  /** Its result once more, or how far it is. */
  z.object({ ...head, verb: z.literal("query"), taskId: uuid }),
]);

export type ControlRequest = z.output<typeof controlSchema>;

/** @throws AgentError MESSAGE_INVALID, MESSAGE_TOO_LARGE, MESSAGE_MISROUTED */
export function parseControl(message: IncomingMessage, server: string): ControlRequest {
  if (message.routingKey !== controlKey(server))
    throw new AgentError("MESSAGE_MISROUTED", `${shown(message.routingKey)} is not this node's control key`);
  const parsed = controlSchema.safeParse(parseBody(message.bytes, message.contentType));
  if (parsed.success) return parsed.data;
  throw new AgentError(
    "MESSAGE_INVALID",
    `the message is not well-formed: ${toldProblems(pathProblems(parsed.error))}`,
  );
}

export function controlMessage(server: string, request: ControlRequest): OutgoingMessage {
  return { routingKey: controlKey(server), properties: properties(request), body: request };
}

/** The answer, on the keys of events so that one binding of the client takes both: `…event.pong.<client>.<id>`. */
export function controlAnswer(
  server: string,
  request: ControlRequest,
  answer: Readonly<Record<string, unknown>>,
): OutgoingMessage {
  const name = request.verb === "ping" ? "pong" : `${request.verb}-answer`;
  return {
    routingKey: eventKey(server, name, request.clientId, request.id),
    properties: properties(request),
    body: { ...answer, v: ENVELOPE_VERSION, id: request.id, server },
  };
}

/** Worth nothing after a restart of the broker, so not persistent. */
function properties({ id, verb }: ControlRequest): OutgoingMessage["properties"] {
  return { contentType: "application/json", messageId: id, type: verb, appId: "zonelet", persistent: false };
}
