// Events as people and programs read them: containerd's line, JSON, and Docker's messages (events-and-filters.md 1 and 7).
import type { DockerEvent } from "../filters/docker-events.ts";
import type { Envelope } from "./envelope.ts";

/** `ctr events`: time as Go prints it, namespace, topic, payload, one blank between them. */
export function eventLine(envelope: Envelope): string {
  return `${goTime(envelope.timestamp)} ${envelope.namespace} ${envelope.topic} ${JSON.stringify(envelope.event)}`;
}

/** `2026-11-20 23:21:30.27 +0000 UTC`: the fraction without trailing zeros. */
function goTime(iso: string): string {
  const [date = "", time = ""] = iso.replace("Z", "").split("T");
  return `${date} ${time.includes(".") ? time.replace(/\.?0+$/, "") : time} +0000 UTC`;
}

/** The public form: what only the tracker needs is left out; `instance` tells whose numbers `seq` are. */
export function publicEvent(envelope: Envelope, instance: string): Readonly<Record<string, unknown>> {
  const { seq, timestamp, namespace, topic, event, synthesized } = envelope;
  return { seq, instance, timestamp, namespace, topic, event, ...(synthesized ? { synthesized } : {}) };
}

/** A message of Docker's `/events`, with the members older clients read. */
export interface DockerMessage extends DockerEvent {
  readonly status: string;
  readonly id: string;
  readonly from?: string;
  readonly time: number;
  readonly timeNano: number;
}

/** The messages an event is told as: none, one, or two (an update that is a rename, too). */
export function dockerMessages(envelope: Envelope): readonly DockerMessage[] {
  const { topic, event, actor } = envelope;
  const text = (name: string): string => (typeof event[name] === "string" ? event[name] : "");
  const container = (action: string, more: Readonly<Record<string, string>> = {}): DockerMessage[] =>
    actor === undefined
      ? []
      : [
          message(envelope, "container", action, actor.id, {
            ...actor.labels,
            image: actor.image,
            name: actor.name,
            ...more,
          }),
        ];
  const status = String(typeof event["exit_status"] === "number" ? event["exit_status"] : 0);
  switch (topic) {
    case "/containers/create":
      return container("create");
    case "/containers/update":
      return text("old_name") === "" ? container("update") : container("rename", { oldName: `/${text("old_name")}` });
    case "/containers/delete":
      return container("destroy");
    case "/tasks/start":
      return container("start");
    case "/tasks/exit":
      return text("id") === text("container_id")
        ? container("die", { exitCode: status })
        : container("exec_die", { execID: text("id"), exitCode: status });
    case "/tasks/exec-added":
      return container(`exec_create: ${text("command")}`, { execID: text("exec_id") });
    case "/tasks/exec-started":
      return container(`exec_start: ${text("command")}`, { execID: text("exec_id") });
    case "/tasks/oom":
      return container("oom");
    case "/zones/failed":
      return container("die", { exitCode: "255", error: "the platform gave the zone up" });
    case "/zones/signal":
      return container("kill", { signal: text("signal") });
    case "/zones/health":
      return container(`health_status: ${text("status")}`);
    case "/images/create":
      return [message(envelope, "image", "pull", text("name"), { name: text("name") })];
    case "/images/update":
      return [message(envelope, "image", "tag", text("name"), { name: text("name") })];
    case "/images/delete":
      return [message(envelope, "image", "delete", text("name"), { name: text("name") })];
    case "/agent/resync":
      return [message(envelope, "daemon", "reload", "zonelet", { name: "zonelet" })];
    default:
      return [];
  }
}

function message(
  envelope: Envelope,
  type: string,
  action: string,
  id: string,
  attributes: Readonly<Record<string, string>>,
): DockerMessage {
  const ms = Date.parse(envelope.timestamp);
  const from = attributes["image"];
  return {
    status: action,
    id,
    ...(from === undefined ? {} : { from }),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: "local",
    time: Math.floor(ms / 1000),
    timeNano: ms * 1_000_000,
  };
}
