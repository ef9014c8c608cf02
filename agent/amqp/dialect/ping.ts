// Pings of the predecessors: whoever asks gets its own id back, on a key made of it (amqp-head-node.md 3.7).
import { z } from "zod";
import type { OutgoingMessage } from "../routing.ts";
import { ackKey, isWireId, type Pinged } from "./keys.ts";

const pingSchema = z.object({ client_id: z.string().refine(isWireId), id: z.string().max(256) });

/** The answer; undefined for a body that tells nobody to answer. */
export function pong(resource: Pinged, server: string, body: unknown, at: Date): OutgoingMessage | undefined {
  const ping = pingSchema.safeParse(body).data;
  if (ping === undefined) return undefined;
  return {
    routingKey: ackKey(resource, server, ping.client_id),
    properties: { contentType: "application/json" },
    body: { req_id: ping.id, timestamp: at.toISOString() },
  };
}
