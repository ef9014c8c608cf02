// What filters reach in an event: the envelope, and behind `event.` the text fields of the payload its topic has
// (events-and-filters.md 2, the column "filterable"). Numbers and times are never filterable.
import type { Adaptor, FieldReader } from "./evaluate.ts";
import { fields, text } from "./adaptors.ts";

/** A payload as it is sent: names as in the reference's table. */
export type EventPayload = Readonly<Record<string, unknown>>;

export interface FilterableEvent {
  readonly namespace: string;
  readonly topic: string;
  /** Name of the payload's type, e.g. `TaskExit`. */
  readonly type: string;
  readonly event: EventPayload;
}

/** `name` is text, `name.*` a map of texts, `name?` a boolean that counts as present always. */
const FILTERABLE: Readonly<Record<string, readonly string[]>> = {
  ContainerCreate: ["id", "image", "runtime.name"],
  ContainerUpdate: ["id", "image", "labels.*", "snapshot_key"],
  ContainerDelete: ["id"],
  TaskCreate: ["container_id", "bundle", "checkpoint", "io.stdin", "io.stdout", "io.stderr", "io.terminal?"],
  TaskStart: ["container_id"],
  TaskExecAdded: ["container_id", "exec_id"],
  TaskExecStarted: ["container_id", "exec_id"],
  TaskExit: ["container_id", "id"],
  TaskDelete: ["container_id", "id"],
  TaskOOM: ["container_id"],
  TaskPaused: ["container_id"],
  TaskResumed: ["container_id"],
  TaskCheckpointed: ["container_id", "checkpoint"],
  ImageCreate: ["name", "labels.*"],
  ImageUpdate: ["name", "labels.*"],
  ImageDelete: ["name"],
  ContentCreate: ["digest", "mediaType"],
  ContentDelete: ["digest"],
  SnapshotPrepare: ["key", "parent", "snapshotter"],
  SnapshotCommit: ["key", "name", "snapshotter"],
  SnapshotRemove: ["key", "snapshotter"],
  NamespaceCreate: ["name", "labels.*"],
  NamespaceUpdate: ["name", "labels.*"],
  NamespaceDelete: ["name"],
  SandboxCreate: ["sandbox_id"],
  SandboxStart: ["sandbox_id"],
  SandboxExit: ["sandbox_id"],
};

const PAYLOADS = new Map<string, Adaptor<EventPayload>>(
  Object.entries(FILTERABLE).map(([type, names]) => [type, payloadAdaptor(names)]),
);

const envelope = fields<FilterableEvent>({
  namespace: text((e) => e.namespace),
  topic: text((e) => e.topic),
});

export const eventAdaptor: Adaptor<FilterableEvent> = (path) => {
  const [first, ...rest] = path;
  if (first !== "event") return envelope(path);
  const readers = new Map<string, FieldReader<EventPayload>>();
  for (const [type, adaptor] of PAYLOADS) {
    const reader = adaptor(rest);
    if (reader) readers.set(type, reader);
  }
  return (event) => readers.get(event.type)?.(event.event);
};

function payloadAdaptor(names: readonly string[]): Adaptor<EventPayload> {
  return fields<EventPayload>(
    Object.fromEntries(
      names.map((name) => {
        if (name.endsWith(".*")) return [name.slice(0, -2), entriesOf(name.slice(0, -2))];
        if (name.endsWith("?")) return [name.slice(0, -1), text(flagReader(name.slice(0, -1)), "always")];
        return [name, text(textReader(name))];
      }),
    ),
  );
}

function textReader(name: string): (payload: EventPayload) => string | undefined {
  return (payload) => {
    const value = valueAt(payload, name);
    return typeof value === "string" ? value : undefined;
  };
}

function flagReader(name: string): (payload: EventPayload) => string {
  return (payload) => (valueAt(payload, name) === true ? "true" : "false");
}

function valueAt(payload: EventPayload, name: string): unknown {
  const dot = name.indexOf(".");
  if (dot < 0) return payload[name];
  const inner = payload[name.slice(0, dot)];
  return isRecord(inner) ? inner[name.slice(dot + 1)] : undefined;
}

/** A map of texts: the rest of the path is the key. */
function entriesOf(name: string): (rest: readonly string[]) => FieldReader<EventPayload> {
  return (rest) => {
    const key = rest.join(".");
    return (payload) => {
      const entries = payload[name];
      if (!isRecord(entries) || !Object.hasOwn(entries, key)) return undefined;
      const value = entries[key];
      return typeof value === "string" ? value : undefined;
    };
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
