// Names of envelope v1: queues, routing keys, bindings and the permissions that go with them (amqp-head-node.md 18, 19.2).
// The keys keep the shape of the predecessors'; the word in front sets them apart (dialect/keys.ts has theirs).
import { AgentError } from "../errors/agent-error.ts";
import { isUuid } from "../util/ids.ts";
import { EXCHANGE, type QueueDeclaration } from "./routing.ts";

/** First word of every key and queue of ours. */
export const RESOURCE = "zonelet";

/** A client's name in keys: one word, so that it can neither add words nor be a pattern. */
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/;
const TASK_NAME = /^[a-z][a-z0-9_]{0,63}$/;

export function isClientId(text: string): boolean {
  return CLIENT_ID.test(text);
}

export function isTaskName(text: string): boolean {
  return TASK_NAME.test(text);
}

export function tasksQueueName(server: string): string {
  return `${RESOURCE}.${server}.tasks`;
}

export function controlQueueName(server: string): string {
  return `${RESOURCE}.${server}.control`;
}

export function taskKey(server: string, task: string): string {
  return `${RESOURCE}.${server}.task.${task}`;
}

/** Cancel, query and ping. The verb lies in the body: one binding, one permission. */
export function controlKey(server: string): string {
  return `${RESOURCE}.${server}.control`;
}

export function eventKey(server: string, event: string, client: string, taskId: string): string {
  return `${RESOURCE}.${server}.event.${event}.${client}.${taskId}`;
}

export function statusKey(server: string, kind: string): string {
  return `${RESOURCE}.${server}.status.${kind}`;
}

/** What a client binds its results queue with: all events of its tasks, from every node. */
export function clientBinding(client: string): string {
  return `${RESOURCE}.*.event.*.${client}.*`;
}

/**
 * The two queues of a node: tasks, and control beside them so that a cancel is never behind tasks. Durable, one active
 * consumer. Whoever enrols the node declares them (`classic` where there is one broker, `quorum` in a cluster); the agent
 * looks passively, and leaves tunables to policies because a declaration with other arguments closes the channel.
 */
export function nodeQueues(server: string, type: "classic" | "quorum"): readonly QueueDeclaration[] {
  const queue = (name: string, binding: string): QueueDeclaration => ({
    name,
    durable: true,
    exclusive: false,
    autoDelete: false,
    arguments: { "x-queue-type": type, "x-single-active-consumer": true },
    bindings: [binding],
  });
  return [queue(tasksQueueName(server), taskKey(server, "*")), queue(controlQueueName(server), controlKey(server))];
}

export interface TaskAddress {
  readonly server: string;
  readonly task: string;
}

/** @throws AgentError MESSAGE_MISROUTED for a key that is not a task's key of this node */
export function parseTaskKey(key: string, server: string): TaskAddress {
  const [resource, to, word, task, ...more] = key.split(".");
  if (resource !== RESOURCE || word !== "task" || task === undefined || more.length > 0)
    throw new AgentError("MESSAGE_MISROUTED", `${shown(key)} is not the key of a task`);
  checkServer(to, server);
  if (!isTaskName(task)) throw new AgentError("MESSAGE_MISROUTED", `${shown(task)} is not the name of a task`);
  return { server, task };
}

/** The event's name, client and task of a key as {@link eventKey} makes it; undefined for any other key. */
export function parseEventKey(
  key: string,
): { readonly server: string; readonly event: string; readonly client: string; readonly taskId: string } | undefined {
  const [resource, server, word, event, client, taskId, ...more] = key.split(".");
  if (resource !== RESOURCE || word !== "event" || more.length > 0) return undefined;
  if (server === undefined || event === undefined || client === undefined || taskId === undefined) return undefined;
  return isUuid(server) && isClientId(client) ? { server, event, client, taskId } : undefined;
}

/** A request for another node is refused, whatever queue it came by: two nodes may share a uuid, never a key. */
export function checkServer(to: string | undefined, server: string): void {
  if (to === server) return;
  throw new AgentError("MESSAGE_MISROUTED", `the request is for server ${shown(to ?? "")}, this is ${server}`);
}

/** Text of a stranger in a message: short, and quoted. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

export interface BrokerPermissions {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
  readonly topic: { readonly exchange: string; readonly write: string; readonly read: string };
}

/**
 * What the broker's user of a node may do; the user's name is the server's uuid. Without the default exchange, through
 * which a node could write into every queue. With `declares` false the node's queues are made for it and it configures
 * nothing. Topic permissions stop events in another node's name and bindings for another node's tasks.
 */
export function nodePermissions(server: string, options: { readonly declares: boolean }): BrokerPermissions {
  if (!isUuid(server)) throw new AgentError("USAGE", `${shown(server)} is not a uuid`);
  const own = `${RESOURCE}\\.${server}\\.`;
  const exchange = EXCHANGE.replace(".", "\\.");
  return {
    configure: options.declares ? `^${own}` : "^$",
    write: `^(${own}.*|${exchange})$`,
    read: `^(${own}.*|${exchange})$`,
    topic: {
      exchange: EXCHANGE,
      write: `^${RESOURCE}\\.{username}\\.(event|status)\\.`,
      read: `^${RESOURCE}\\.{username}\\.(task\\.|control$)`,
    },
  };
}
