// Routing keys and queues of the predecessors (amqp-head-node.md 2 to 5). A head node's client library binds and
// publishes exactly these, so they are kept to the letter.
import { AgentError } from "../../errors/agent-error.ts";
import type { QueueDeclaration } from "../routing.ts";
import { checkServer, isTaskName, shown, type TaskAddress } from "../topology.ts";

/** Client and task ids in keys: random 32-bit numbers in hex, without padding. */
export function wireId(number: number): string {
  if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) throw new RangeError(`not 32 bits: ${number}`);
  return number.toString(16);
}

/** One word of a key; the old library makes hex, other clients do not. */
const WIRE_ID = /^[A-Za-z0-9_-]{1,64}$/;

export function isWireId(text: string): boolean {
  return WIRE_ID.test(text);
}

export function provisionerTaskKey(server: string, task: string): string {
  return `provisioner.${server}.task.${task}`;
}

/** @throws AgentError MESSAGE_MISROUTED for a key that is not a task's key of this node */
export function parseProvisionerTaskKey(key: string, server: string): TaskAddress {
  const [resource, to, word, task, ...more] = key.split(".");
  if (resource !== "provisioner" || word !== "task" || task === undefined || more.length > 0)
    throw new AgentError("MESSAGE_MISROUTED", `${shown(key)} is not the key of a task`);
  checkServer(to, server);
  if (!isTaskName(task)) throw new AgentError("MESSAGE_MISROUTED", `${shown(task)} is not the name of a task`);
  return { server, task };
}

export interface WireAddress {
  readonly clientId: string;
  readonly taskId: string;
}

export function provisionerEventKey(server: string, event: string, { clientId, taskId }: WireAddress): string {
  return `provisioner.${server}.event.${event}.${clientId}.${taskId}`;
}

/** What answers to pings: the agents of old had a resource each. */
export const PINGED = ["provisioner", "heartbeat", "ur"] as const;
export type Pinged = (typeof PINGED)[number];

export function pingKey(resource: Pinged, server: string): string {
  return `${resource}.ping.${server}`;
}

/** No dot between `ack` and the client's id. */
export function ackKey(resource: Pinged, server: string, clientId: string): string {
  return `${resource}.ack${clientId}.${server}`;
}

export const HEARTBEAT_REQUEST_KEY = "heartbeat-req";

export function heartbeatKey(server: string): string {
  return `heartbeat.${server}`;
}

export function zoneEventKey(server: string): string {
  return `zone-event.${server}`;
}

/** AMQP's own heartbeat, which also does what an empty message each 30 s was once meant to do. */
export const CONNECTION_HEARTBEAT_S = 30;

function transient(name: string, bindings: readonly string[], exclusive: boolean): QueueDeclaration {
  return { name, durable: false, exclusive, autoDelete: true, arguments: {}, bindings };
}

/**
 * The task queue. Nobody but its agent knows its name, so it is durable where the predecessors' one queue per class went
 * with the agent and all that waited in it; and it takes every task name, so that an unknown one gets an answer.
 */
export function provisionerQueue(server: string, type: "classic" | "quorum"): QueueDeclaration {
  return {
    name: `zonelet.${server}.provisioner`,
    durable: true,
    exclusive: false,
    autoDelete: false,
    arguments: { "x-queue-type": type, "x-single-active-consumer": true },
    bindings: [provisionerTaskKey(server, "*")],
  };
}

/** Pings and the request for a heartbeat: worth nothing later, so they go with the connection. */
export function controlQueues(server: string): readonly QueueDeclaration[] {
  return [
    ...(["provisioner", "heartbeat"] as const).map((resource) => {
      const key = pingKey(resource, server);
      return transient(key, [key], false);
    }),
    transient(`heartbeat.heartbeatctl.${server}`, [HEARTBEAT_REQUEST_KEY], false),
  ];
}

/** Ur's. The MAC is in the name, and in a second form of the key, because machines are sold with the same uuid. */
export function urQueues(server: string, adminMac: string): readonly QueueDeclaration[] {
  const ping = pingKey("ur", server);
  return [
    transient(
      `ur.request.${server}.${adminMac}`,
      [`ur.execute.${server}-${adminMac}.*`, `ur.execute.${server}.*`, "ur.broadcast.*.*"],
      true,
    ),
    transient(ping, [ping], false),
  ];
}
