// What the daemon's socket speaks: HTTP with JSON, one version in the path. Both ends read it through these schemas.
import { z } from "zod";

export const API_VERSION = "v1";

/** `GET /v1/status` */
export const statusSchema = z.object({
  version: z.string(),
  /** Versions of this interface. */
  api: z.array(z.string()),
  pid: z.int(),
  startedAt: z.string(),
  /** Serving: the zones are known, and nothing of the start is left to do. */
  ready: z.boolean(),
  /** What is in the way, in words; absent when nothing is. */
  problem: z.string().optional(),
  root: z.string(),
  config: z.string().optional(),
  zones: z.object({ total: z.int(), ours: z.int(), byState: z.record(z.string(), z.int()) }),
  events: z.object({ instance: z.string(), oldest: z.int(), newest: z.int(), readers: z.int() }),
  /** How often the platform's stream of changes had to be begun anew. */
  resyncs: z.int(),
});
export type DaemonStatus = z.output<typeof statusSchema>;

/** The body of every answer that is an error. */
export const errorSchema = z.object({
  error: z.looseObject({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});

/** `GET /v1/events`: parameters, as text in the query. */
export const eventsQuerySchema = z.strictObject({
  /** Number of the first event wanted. */
  from: z.coerce.number().int().min(0).optional(),
  /** ISO 8601: events from a time on. */
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
  /** containerd's grammar; several are alternatives. */
  filter: z
    .array(z.string().max(64 * 1024))
    .max(64)
    .default([]),
});
