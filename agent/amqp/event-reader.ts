// Events of v1 as a client reads them: the counterpart of eventMessage in envelope.ts.
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { ERROR_CLASSES } from "../errors/classes.ts";
import { parseBody, pathProblems, toldProblems } from "./body.ts";
import { ENVELOPE_VERSION, type IncomingMessage } from "./envelope.ts";
import { TERMINAL_STATUSES } from "./task-event.ts";
import { parseEventKey, shown } from "./topology.ts";

/** A node may be newer than its client: codes are any text, and unknown fields are ignored. */
const errorSchema = z.object({
  class: z.enum(ERROR_CLASSES).catch("Internal"),
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  retryable: z.boolean().default(false),
});

const eventSchema = z.object({
  v: z.literal(ENVELOPE_VERSION),
  task: z.string(),
  taskId: z.string(),
  reqId: z.string().optional(),
  seq: z.int().min(1),
  server: z.string(),
  bootId: z.string(),
  at: z.iso.datetime(),
  position: z.int().min(0).optional(),
  percent: z.number().min(0).max(100).optional(),
  description: z.string().optional(),
  step: z.string().optional(),
  elapsedS: z.number().optional(),
  status: z.enum(TERMINAL_STATUSES).optional(),
  result: z.unknown().optional(),
  error: errorSchema.optional(),
  /** The result was too big for an event. */
  omittedBytes: z.number().optional(),
});

/** `name` is the key's: accepted, start, progress, start:<step>, end:<step>, finish; one that is not known is no error. */
export type ReadEvent = z.output<typeof eventSchema> & { readonly name: string; readonly clientId: string };

/**
 * An event with the name its key has. Raises MESSAGE_MISROUTED for another key, or one that does not agree with the body,
 * MESSAGE_INVALID and MESSAGE_TOO_LARGE for a body that is none; a finish has to tell its status, and an error unless all
 * went well.
 */
export function parseEvent(message: IncomingMessage): ReadEvent {
  const address = parseEventKey(message.routingKey);
  if (address === undefined)
    throw new AgentError("MESSAGE_MISROUTED", `${shown(message.routingKey)} is not the key of an event`);
  const parsed = eventSchema.safeParse(parseBody(message.bytes, message.contentType));
  if (!parsed.success)
    throw new AgentError(
      "MESSAGE_INVALID",
      `the event is not well-formed: ${toldProblems(pathProblems(parsed.error))}`,
    );
  const event = parsed.data;
  if (event.server !== address.server || event.taskId !== address.taskId)
    throw new AgentError("MESSAGE_MISROUTED", "the event's key and body are about different tasks");
  if (
    address.event === "finish" &&
    (event.status === undefined || (event.status !== "ok" && event.error === undefined))
  )
    throw new AgentError("MESSAGE_INVALID", "the event is not well-formed: $.status: a finish without its outcome");
  return { ...event, name: address.event, clientId: address.client };
}
