// What happens to a task, before any wire form: envelope.ts and dialect/events.ts make messages of it.
import type { WireError } from "../errors/chain.ts";

/** How a task can end. `interrupted`: the agent died meanwhile and what was found is not clear enough to go on. */
export const TERMINAL_STATUSES = ["ok", "failed", "cancelled", "expired", "interrupted", "rejected"] as const;
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

export interface TaskError extends WireError {
  /** True where the same request may succeed later. */
  readonly retryable: boolean;
}

export type TaskEnd =
  | { readonly kind: "finish"; readonly status: "ok"; readonly result: unknown }
  | {
      readonly kind: "finish";
      readonly status: Exclude<TerminalStatus, "ok">;
      readonly error: TaskError;
      /** What was found of the object all the same, e.g. the half-made zone. */
      readonly result?: unknown;
    };

export type TaskEvent =
  /** In the journal; `position` counts the tasks that have to go first. */
  | { readonly kind: "accepted"; readonly position: number }
  | { readonly kind: "start" }
  /** 0 to 99; 100 is said by a finish with status ok. */
  | { readonly kind: "progress"; readonly percent: number }
  | { readonly kind: "step-start"; readonly step: string; readonly description: string }
  | { readonly kind: "step-end"; readonly step: string }
  /** Nothing new, but still at it. */
  | { readonly kind: "alive"; readonly elapsedS: number; readonly step?: string }
  | TaskEnd;

/** Who asked, and under which id. */
export interface TaskIdentity {
  readonly task: string;
  readonly taskId: string;
  readonly clientId: string;
  readonly reqId?: string | undefined;
  readonly correlationId?: string | undefined;
}
