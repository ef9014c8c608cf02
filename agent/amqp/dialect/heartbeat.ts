// When a heartbeat goes out, and when a zone event with it (amqp-head-node.md 5). A fold over what happens to the agent:
// a cycle each 5 s starts a sample where something changed, and publishes the last complete one. So a change is told one
// cycle after it was seen, and never twice.
import type { OutgoingMessage } from "../routing.ts";
import type { HeartbeatBody } from "../status/status-body.ts";
import { heartbeatKey, zoneEventKey } from "./keys.ts";

export const CYCLE_S = 5;
/** However quiet it is, a new sample is taken after this. */
export const MAX_AGE_S = 60;

export interface HeartbeatState {
  /** Something may have changed since the last sample began. */
  readonly dirty: boolean;
  readonly sampling: boolean;
  readonly sample: HeartbeatBody | undefined;
  /** The sample was not yet told as a zone event. */
  readonly fresh: boolean;
}

export const FIRST_STATE: HeartbeatState = { dirty: true, sampling: false, sample: undefined, fresh: false };

export type HeartbeatEvent =
  | { readonly kind: "cycle" }
  /** A zone changed, or {@link MAX_AGE_S} have passed. */
  | { readonly kind: "changed" }
  /** A message on `heartbeat-req`: the next cycle tells the zone event again. */
  | { readonly kind: "asked" }
  | { readonly kind: "sampled"; readonly body: HeartbeatBody }
  /** The old sample goes on being sent, with its old time, and the next cycle tries again. */
  | { readonly kind: "sampling-failed" };

export interface HeartbeatStep {
  readonly state: HeartbeatState;
  /** A sample is to be taken; `sampled` or `sampling-failed` must follow. */
  readonly sample: boolean;
  readonly messages: readonly OutgoingMessage[];
}

export function heartbeat(server: string, state: HeartbeatState, event: HeartbeatEvent): HeartbeatStep {
  const quiet = (next: Partial<HeartbeatState>): HeartbeatStep => ({
    state: { ...state, ...next },
    sample: false,
    messages: [],
  });
  switch (event.kind) {
    case "changed":
      return quiet({ dirty: true });
    case "asked":
      return quiet({ fresh: state.sample !== undefined });
    case "sampled":
      return quiet({ sampling: false, sample: event.body, fresh: true });
    case "sampling-failed":
      return quiet({ sampling: false, dirty: true });
    case "cycle": {
      const begins = state.dirty && !state.sampling;
      const messages = state.sample === undefined ? [] : heartbeatMessages(server, state.sample, state.fresh);
      const next = { ...state, fresh: false, ...(begins ? { dirty: false, sampling: true } : {}) };
      return { state: next, sample: begins, messages };
    }
  }
}

/** A sample on the key of heartbeats, and where it is news on that of zone events, too. */
function heartbeatMessages(server: string, body: HeartbeatBody, news: boolean): OutgoingMessage[] {
  const keys = news ? [heartbeatKey(server), zoneEventKey(server)] : [heartbeatKey(server)];
  return keys.map((routingKey) => ({ routingKey, properties: { contentType: "application/json" }, body }));
}
