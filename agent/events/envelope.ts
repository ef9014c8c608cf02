// What an event is: containerd's envelope, with a sequence number and the history's identity beside it
// (events-and-filters.md 1 and 11).
import { z } from "zod";

/** Payload types by topic (events-and-filters.md 2); the names filters know them by. */
export const PAYLOAD_TYPES = {
  "/containers/create": "ContainerCreate",
  "/containers/update": "ContainerUpdate",
  "/containers/delete": "ContainerDelete",
  "/tasks/create": "TaskCreate",
  "/tasks/start": "TaskStart",
  "/tasks/exec-added": "TaskExecAdded",
  "/tasks/exec-started": "TaskExecStarted",
  "/tasks/exit": "TaskExit",
  "/tasks/delete": "TaskDelete",
  "/tasks/oom": "TaskOOM",
  "/images/create": "ImageCreate",
  "/images/update": "ImageUpdate",
  "/images/delete": "ImageDelete",
  "/snapshot/prepare": "SnapshotPrepare",
  "/snapshot/commit": "SnapshotCommit",
  "/snapshot/remove": "SnapshotRemove",
  /** Ours: the platform gave the zone up. */
  "/zones/failed": "ZoneFailed",
  /** Ours: somebody asked for a signal; Docker's `kill`. */
  "/zones/signal": "ZoneSignal",
  "/zones/health": "ZoneHealth",
  /** Ours: the stream of zone changes was (re)established; what follows up to the next one is complete. */
  "/agent/resync": "AgentResync",
  /** Ours, never stored: some of what was asked for is not kept any more. */
  "/agent/truncated": "AgentTruncated",
  /** Ours, never stored: this reader was too slow, and some events were dropped for it. */
  "/agent/dropped": "AgentDropped",
} as const;

export type Topic = keyof typeof PAYLOAD_TYPES;

/** Who an event is about, for Docker's form of it. */
const actor = z.object({
  /** 64 hex digits. */
  id: z.string(),
  name: z.string(),
  image: z.string(),
  labels: z.record(z.string(), z.string()),
});
export type Actor = z.output<typeof actor>;

/** What the tracker remembers of a zone after this event; only in the stored form. */
const mark = z.object({
  /** `boot_timestamp` of the task that runs. */
  boot: z.string().optional(),
  pid: z.number().optional(),
  /** `exit_timestamp` of the last run seen. */
  exit: z.string().optional(),
  failed: z.boolean().optional(),
  snapshots: z.array(z.string()).optional(),
  /** Digest of what an update event is about. */
  shape: z.string().optional(),
  name: z.string().optional(),
});
export type ZoneMark = z.output<typeof mark>;

export const envelopeSchema = z.object({
  /** Rises by one with each event of a history; 0 for the markers that are told to one reader only. */
  seq: z.int().nonnegative(),
  /** ISO 8601 in UTC: when the agent noticed. */
  timestamp: z.string(),
  namespace: z.string(),
  topic: z.string(),
  /** Type of the payload. */
  type: z.string(),
  /** Names as in the reference's table; empty texts, zeros and false are left out. */
  event: z.record(z.string(), z.unknown()),
  /** Found by comparing, after a time in which nobody watched. */
  synthesized: z.literal(true).optional(),
  zone: z.string().optional(),
  actor: actor.optional(),
  mark: mark.optional(),
});
export type Envelope = z.output<typeof envelopeSchema>;

/** An event before the history has numbered it. */
export type EventDraft = Omit<Envelope, "seq">;

export interface DraftOptions {
  readonly at: Date;
  readonly namespace: string;
  readonly zone?: string;
  readonly actor?: Actor;
  readonly mark?: ZoneMark;
  readonly synthesized?: boolean;
}

/** Puts an event together; what is empty in the payload is left out. */
export function draftEvent(topic: Topic, event: Readonly<Record<string, unknown>>, options: DraftOptions): EventDraft {
  const { at, namespace, zone, actor, mark, synthesized } = options;
  return {
    timestamp: at.toISOString(),
    namespace,
    topic,
    type: PAYLOAD_TYPES[topic],
    event: Object.fromEntries(Object.entries(event).filter(([, value]) => !isEmpty(value))),
    ...(synthesized === true ? { synthesized } : {}),
    ...(zone === undefined ? {} : { zone }),
    ...(actor === undefined ? {} : { actor }),
    ...(mark === undefined ? {} : { mark }),
  };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === "" || value === 0 || value === false;
}

/** containerd's form of a time in a payload. */
export function payloadTime(iso: string): { readonly seconds: number; readonly nanos?: number } {
  const ms = Date.parse(iso);
  const nanos = (((ms % 1000) + 1000) % 1000) * 1_000_000;
  return { seconds: Math.floor(ms / 1000), ...(nanos === 0 ? {} : { nanos }) };
}
