// A request of the predecessors' dialect, and the messages its task's events become.
import { z } from "zod";
import { parseTask, type CatalogueTask } from "../../../agent/amqp/catalogue/catalogue.ts";
import { dialectEvents, NEW_TRACE } from "../../../agent/amqp/dialect/events.ts";
import { parseDialectRequest } from "../../../agent/amqp/dialect/request.ts";
import type { IncomingMessage } from "../../../agent/amqp/envelope.ts";
import type { OutgoingMessage } from "../../../agent/amqp/routing.ts";
import type { TaskEvent } from "../../../agent/amqp/task-event.ts";
import { AgentError } from "../../../agent/errors/agent-error.ts";
import { toWire } from "../../../agent/errors/chain.ts";
import type { ErrorCode } from "../../../agent/errors/codes.ts";

export const AT = new Date("2014-05-01T10:00:00.000Z");

export const busMessage = z.object({
  routing_key: z.string(),
  properties: z.object({ content_type: z.string().optional() }),
  body: z.unknown().optional(),
  body_text: z.string().optional(),
});

export function incoming(message: unknown): IncomingMessage {
  const { routing_key, properties, body, body_text } = busMessage.parse(message);
  return {
    routingKey: routing_key,
    contentType: properties.content_type,
    bytes: Buffer.from(body_text ?? JSON.stringify(body)),
  };
}

/** @throws AgentError where the request cannot be answered */
export function play(
  message: IncomingMessage,
  server: string,
  script: (task: CatalogueTask) => readonly TaskEvent[],
): OutgoingMessage[] {
  const request = parseDialectRequest(message, server);
  const events = ((): readonly TaskEvent[] => {
    try {
      return script(parseTask(request.task, request.params));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return [{ kind: "finish", status: "rejected", error: { ...toWire(error), retryable: error.retryable } }];
    }
  })();
  let trace = NEW_TRACE;
  return events.flatMap((event) => {
    const step = dialectEvents(request, server, trace, event, AT);
    trace = step.trace;
    return step.messages;
  });
}

/** As agent/vmadm classifies them; the texts of these vectors are older than its rows. */
export function codeOf(text: string): ErrorCode {
  if (/No such zone/.test(text)) return "ZONE_NOT_FOUND";
  if (/No snapshot named/.test(text)) return "SNAPSHOT_NOT_FOUND";
  if (/already running/.test(text)) return "ZONE_STATE";
  if (/Cannot find running init PID/.test(text)) return "ZONE_NOT_RUNNING";
  return "HOST_COMMAND_FAILED";
}
